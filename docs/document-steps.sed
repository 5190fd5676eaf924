# Doxygen's input filter. Every child step has the same three members, whose meaning stands once, at
# the concept ChildStep (child_plan.hpp); here each gets a sentence, on its line, so that warnings
# keep their line numbers.
s|^( +)(static constexpr StepInfo kInfo)|\1/** Chapter and reason, for the narration. */ \2|
s|^( +)(StepResult run\(ChildContext& [a-z]*\) const noexcept)|\1/** Does the step, in the child: see ChildStep. */ \2|
s|^( +)(\[\[nodiscard\]\] std::string describe\(\) const;)|\1/** The step in words, for plan and narration. */ \2|
