/// \file
/// Nothing: a target that only precompiles headers must have a source, too.
