// Compiled values are shared by every request and every worker call: nobody may change them.

/**
 * Freezes a value that this room built, with all plain objects and arrays in it. Instances of
 * classes and maps are left as they are, and what is frozen already is not entered.
 */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== Array.prototype && prototype !== null) {
    return value;
  }
  Object.freeze(value);
  for (const member of Object.values(value)) deepFreeze(member);
  return value;
}
