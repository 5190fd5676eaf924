# Doxygen's input filter: what is the same everywhere is described here once. Each sentence goes on
# the line it describes, so that warnings keep their line numbers.

# Every child step has the same three members; their meaning stands at the concept ChildStep
# (child_plan.hpp).
s|^( +)(static constexpr StepInfo kInfo)|\1/** Chapter and reason, for the narration. */ \2|
s|^( +)(StepResult run\(ChildContext& [a-z]*\) const noexcept)|\1/** Does the step, in the child: see ChildStep. */ \2|
s|^( +)(\[\[nodiscard\]\] std::string describe\(\) const;)|\1/** The step in words, for plan and narration. */ \2|

# Every owner moves the same way.
s|^( +)(([A-Z][A-Za-z]*)\(\3&& ?[a-z]*\) noexcept)|\1/** Takes over; the other owns nothing afterwards. */ \2|
s|^( +)(([A-Z][A-Za-z]*)& operator=\(\3&& ?[a-z]*\) noexcept)|\1/** Lets go of its own and takes over; the other owns nothing afterwards. */ \2|

# Of these the class says what making one means.
s~^( +)(Scope\(const char\*|explicit Session\(Sink\*|StepError\(std::size_t)~\1/** Makes one of what the class describes. */ \2~

# What stands right below the opening of a group describes its members: a comment of its own, which
# DISTRIBUTE_GROUP_DOC gives to each of them.
s~^( *)///@\{$~\1/**@{*/~
