// The common ground of the rule compilers.

/** What rules are set on a field, by their names in validate.proto. */
export type RuleSet = Readonly<Record<string, unknown>>;

/** Why a value breaks a rule; null when it does not. */
export type ValueCheck = (value: unknown) => string | null;
