// Texts of flags and variables as checked values. Everything that is wrong is collected, with the
// flag that said it; nothing unchecked ever reaches a rule.
import { ipVersion } from '../proxy/base/ip-address.ts';
import type { AllOr, Cidr } from './capture-options.ts';

const PORT_MAX = 65_535;
const UINT32_MAX = 2 ** 32 - 1;
/** A user or group: an id, or a name as useradd(8) allows it. */
const OWNER = /^(?:\d{1,10}|[a-z_][a-z0-9_-]{0,30}\$?)$/;
/** A network interface: up to 15 characters, no blank, `/` or `:`; a final + stands for any rest. */
const INTERFACE = /^[A-Za-z0-9_.@][A-Za-z0-9_.@-]{0,14}\+?$/;
/** As Go reads durations, without its units below a millisecond. */
const DURATION = /^(?:\d{1,9}(?:\.\d{1,9})?(?:ms|s|m|h))+$/;
const DURATION_PART = /([\d.]+)(ms|s|m|h)/g;
const DURATION_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Reads values one by one and remembers what is wrong with them. */
export class ValueReader {
  readonly errors: string[] = [];
  readonly #values: ReadonlyMap<string, string>;

  /** `values` by flag name. */
  constructor(values: ReadonlyMap<string, string>) {
    this.#values = values;
  }

  text(name: string): string {
    return (this.#values.get(name) ?? '').trim();
  }

  isOn(name: string): boolean {
    const value = this.text(name).toLowerCase();
    if (['true', '1', 't'].includes(value)) return true;
    if (!['', 'false', '0', 'f'].includes(value)) {
      this.#reject(name, value, 'true or false');
    }
    return false;
  }

  oneOf<T extends string>(name: string, choices: readonly T[]): T {
    const value = this.text(name);
    const found = choices.find((choice) => choice === value);
    if (found === undefined)
      this.#reject(name, value, `one of ${choices.filter((choice) => choice !== '').join(', ')}`);
    return found ?? (choices[0] as T);
  }

  port(name: string): number {
    return this.#port(name, this.text(name));
  }

  uint32(name: string): number {
    const value = this.text(name);
    const number = /^\d{1,10}$/.test(value) ? Number(value) : Number.NaN;
    if (number >= 1 && number <= UINT32_MAX) return number;
    this.#reject(name, value, `a whole number from 1 to ${UINT32_MAX}`);
    return 1;
  }

  /** Milliseconds. */
  duration(name: string): number {
    const value = this.text(name);
    if (!DURATION.test(value)) this.#reject(name, value, 'a duration such as 5s or 1m30s');
    let durationMs = 0;
    for (const [, number, unit = ''] of value.matchAll(DURATION_PART)) {
      durationMs += Number(number) * (DURATION_MS[unit] ?? 0);
    }
    return durationMs;
  }

  ports(name: string): readonly number[] {
    return this.#list(name).map((entry) => this.#port(name, entry));
  }

  allOrPorts(name: string): AllOr<number> {
    return this.text(name) === '*' ? '*' : this.ports(name);
  }

  cidrs(name: string): readonly Cidr[] {
    return this.#list(name).flatMap((entry) => this.#cidr(name, entry));
  }

  allOrCidrs(name: string): AllOr<Cidr> {
    return this.text(name) === '*' ? '*' : this.cidrs(name);
  }

  interfaces(name: string): readonly string[] {
    return this.#matching(name, INTERFACE, 'the name of a network interface');
  }

  owners(name: string): readonly string[] {
    return this.#matching(name, OWNER, 'the name or id of a user or group');
  }

  /** Says what is wrong with a value as a whole. */
  fail(message: string): void {
    this.errors.push(message);
  }

  #list(name: string): string[] {
    const entries = this.text(name).split(',');
    return entries.map((entry) => entry.trim()).filter((entry) => entry !== '');
  }

  #matching(name: string, pattern: RegExp, expected: string): readonly string[] {
    const entries = this.#list(name);
    for (const entry of entries) if (!pattern.test(entry)) this.#reject(name, entry, expected);
    return entries;
  }

  #port(name: string, value: string): number {
    const number = /^\d{1,5}$/.test(value) ? Number(value) : 0;
    if (number >= 1 && number <= PORT_MAX) return number;
    this.#reject(name, value, `a port from 1 to ${PORT_MAX}`);
    return 1;
  }

  #cidr(name: string, value: string): Cidr[] {
    const [ip = '', length = '', ...rest] = value.split('/');
    const version = ipVersion(ip);
    const bits = version === 4 ? 32 : 128;
    const isLength = /^\d{1,3}$/.test(length) && Number(length) <= bits;
    if (version !== 0 && rest.length === 0 && isLength) return [{ version, text: value }];
    this.#reject(name, value, 'a network such as 10.0.0.0/8 or 2001:db8::/32');
    return [];
  }

  #reject(name: string, value: string, expected: string): void {
    const flag = /^[A-Z_0-9]+$/.test(name) ? name : `--${name}`;
    this.errors.push(`${flag}: '${value}' is not ${expected}`);
  }
}
