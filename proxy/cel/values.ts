// Values of CEL (github.com/google/cel-spec) as JavaScript's: int is bigint, double is number. What
// fails is a value as well: an expression's error only shows where nothing makes it irrelevant.

/** uint */
export class CelUint {
  readonly value: bigint;

  constructor(value: bigint) {
    this.value = value;
  }
}

/** google.protobuf.Duration or Timestamp, in nanoseconds. */
export class CelTime {
  readonly kind: 'duration' | 'timestamp';
  readonly nanos: bigint;

  constructor(kind: CelTime['kind'], nanos: bigint) {
    this.kind = kind;
    this.nanos = nanos;
  }
}

/** An evaluation that failed. */
export class CelError {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/** A map, a message or an object of the host. */
export interface CelMap {
  /** How many entries it has. */
  readonly size: number;
  /** undefined: there is no such key. */
  get(key: CelValue): CelValue | undefined;
}

/** Anything that an expression may be. */
export type CelValue =
  | bigint
  | number
  | string
  | boolean
  | null
  | CelUint
  | CelTime
  | CelError
  | Uint8Array
  | readonly CelValue[]
  | CelMap;

/** Type names as in CEL. */
export type CelKind =
  | 'int'
  | 'uint'
  | 'double'
  | 'string'
  | 'bool'
  | 'null_type'
  | 'bytes'
  | 'list'
  | 'map'
  | 'duration'
  | 'timestamp'
  | 'error';

const OF_TYPE: Readonly<Record<string, CelKind>> = {
  bigint: 'int',
  number: 'double',
  string: 'string',
  boolean: 'bool',
};

/** The type of a value. */
export function kindOf(value: CelValue): CelKind {
  const plain = OF_TYPE[typeof value];
  if (plain !== undefined) return plain;
  if (value === null) return 'null_type';
  if (value instanceof CelUint) return 'uint';
  if (value instanceof CelTime) return value.kind;
  if (value instanceof CelError) return 'error';
  if (value instanceof Uint8Array) return 'bytes';
  return Array.isArray(value) ? 'list' : 'map';
}

/** int, uint and double compare by what they mean; null: it is no number. */
export function numberOf(value: CelValue): bigint | number | null {
  if (typeof value === 'bigint' || typeof value === 'number') return value;
  return value instanceof CelUint ? value.value : null;
}

/** What a failed operation is. */
export function noOverload(operation: string, ...values: readonly CelValue[]): CelError {
  const failed = values.find((value) => value instanceof CelError);
  if (failed instanceof CelError) return failed;
  const kinds = values.map(kindOf).join(', ');
  return new CelError(`no matching overload found: ${operation}(${kinds})`);
}

/** `==`: values of different types are different; an error of either side stays one. */
export function equals(left: CelValue, right: CelValue): boolean | CelError {
  if (left instanceof CelError) return left;
  if (right instanceof CelError) return right;
  const [leftNumber, rightNumber] = [numberOf(left), numberOf(right)];
  // Of bigint and number == compares what they mean.
  // biome-ignore lint/suspicious/noDoubleEquals: bigint and number
  if (leftNumber !== null && rightNumber !== null) return leftNumber == rightNumber;
  if (kindOf(left) !== kindOf(right)) return false;
  if (left instanceof CelTime) return left.nanos === (right as CelTime).nanos;
  if (left instanceof Uint8Array) return Buffer.compare(left, right as Uint8Array) === 0;
  if (Array.isArray(left)) return equalLists(left, right as readonly CelValue[]);
  if (typeof left === 'object' && left !== null) return left === right;
  return left === right;
}

function equalLists(left: readonly CelValue[], right: readonly CelValue[]): boolean {
  if (left.length !== right.length) return false;
  return left.every((item, index) => equals(item, right[index] as CelValue) === true);
}

/** Below 0, 0 or above 0; null: they have no order. NaN has none. */
export function compare(left: CelValue, right: CelValue): number | null {
  const [leftNumber, rightNumber] = [numberOf(left), numberOf(right)];
  if (leftNumber !== null && rightNumber !== null) return order(leftNumber, rightNumber);
  if (kindOf(left) !== kindOf(right)) return null;
  if (typeof left === 'string') return compareText(left, right as string);
  if (typeof left === 'boolean') return order(Number(left), Number(right));
  if (left instanceof CelTime) return order(left.nanos, (right as CelTime).nanos);
  if (left instanceof Uint8Array) return Buffer.compare(left, right as Uint8Array);
  return null;
}

function order(left: bigint | number, right: bigint | number): number | null {
  if (left < right) return -1;
  if (left > right) return 1;
  // biome-ignore lint/suspicious/noDoubleEquals: bigint and number
  return left == right ? 0 : null;
}

/** By octets of UTF-8, which is by code points. */
function compareText(left: string, right: string): number {
  return left === right ? 0 : Buffer.compare(Buffer.from(left), Buffer.from(right));
}
