// The form of a path that URL parsers of browsers agree on: dot segments resolved, `\` as `/`,
// needless escapes undone, characters that no URL may hold escaped.

const SLASH = 0x2f;
const BACKSLASH = 0x5c;
const DOT = 0x2e;
const PERCENT = 0x25;

/** Classes of characters, at their code. */
const PLAIN = 0;
/** Written as an escape: `"`, `<`, `>`, `^`, `` ` ``, `{`, `|`, `}`, controls, blanks, non-ASCII. */
const TO_ESCAPE = 1;
/** Begins something: `%`, `.`, `\`. */
const SPECIAL = 2;
const CHARACTER_CLASS = new Uint8Array(256).fill(TO_ESCAPE, 0, 0x21).fill(TO_ESCAPE, 0x7f);
for (const character of '"<>^`{|}') CHARACTER_CLASS[character.charCodeAt(0)] = TO_ESCAPE;
for (const character of '%.\\') CHARACTER_CLASS[character.charCodeAt(0)] = SPECIAL;

/** RFC 3986 §2.3 unreserved characters: their escapes are undone. */
const UNRESERVED = /[0-9A-Za-z\-._~]/;
const HEX_DIGIT = /[0-9a-f]/i;
/** A percent sign of no escape, perhaps with one digit, at the end of the output. */
const OPEN_ESCAPE = /%[0-9a-f]?$/i;

/**
 * A dot segment with path parameters, `/..;x=1`: servlet containers drop them and go up. Envoy
 * reads plain dots so; here escaped ones are no way around it.
 */
const DOTS_WITH_PARAMETERS = /([/\\](?:\.|%2e){1,2});[^/]*/gi;

/**
 * The canonical form of a path without its query, or null when no server should see it: it holds an
 * escaped NUL. Dot segments end at the root; escapes of reserved characters stay as written.
 */
export function canonicalPath(path: string): string | null {
  if (path.startsWith('/') && isCanonical(path)) return path;
  return new PathCanonicalizer(path.replace(DOTS_WITH_PARAMETERS, '$1')).run();
}

/** True for the paths that need no work: nearly all. A dot counts only behind a slash. */
function isCanonical(path: string): boolean {
  let previous = SLASH;
  for (let index = 0; index < path.length; index += 1) {
    const code = path.charCodeAt(index);
    const kind = CHARACTER_CLASS[code] ?? TO_ESCAPE;
    if (kind !== PLAIN && (code !== DOT || previous === SLASH)) return false;
    previous = code;
  }
  return true;
}

/** One pass from the input to the output. */
class PathCanonicalizer {
  readonly #path: string;
  #at = 0;
  #output = '/';
  #isRefused = false;

  constructor(path: string) {
    this.#path = path;
  }

  run(): string | null {
    const first = this.#path.charCodeAt(0);
    if (first === SLASH || first === BACKSLASH) this.#at = 1;
    while (this.#at < this.#path.length && !this.#isRefused) this.#step();
    return this.#isRefused ? null : this.#output;
  }

  #step(): void {
    const code = this.#path.charCodeAt(this.#at);
    const kind = CHARACTER_CLASS[code] ?? TO_ESCAPE;
    if (kind === PLAIN) this.#take(1);
    else if (kind === TO_ESCAPE) this.#escape(code);
    else if (code === BACKSLASH) this.#append('/', 1);
    else this.#dotOrEscape();
  }

  #dotOrEscape(): void {
    const length = dotLength(this.#path, this.#at);
    if (length === 0) this.#percent();
    else if (this.#output.endsWith('/') && this.#dotSegment(length)) return;
    else this.#append('.', length);
  }

  /** `.` and `..` as whole segments, each dot written plainly or escaped. False: more follows. */
  #dotSegment(firstLength: number): boolean {
    const second = this.#at + firstLength;
    if (endsSegment(this.#path, second)) {
      this.#at = second + 1;
      return true;
    }
    const secondLength = dotLength(this.#path, second);
    if (secondLength === 0 || !endsSegment(this.#path, second + secondLength)) return false;
    this.#dropSegment();
    this.#at = second + secondLength + 1;
    return true;
  }

  /** Takes the last segment off, but never the root. An empty segment is one. */
  #dropSegment(): void {
    const output = this.#output;
    if (output.length > 1)
      this.#output = output.slice(0, output.lastIndexOf('/', output.length - 2) + 1);
  }

  #percent(): void {
    const value = escapedValue(this.#path, this.#at);
    if (value === -1) this.#take(1);
    else if (value === 0) this.#isRefused = true;
    else this.#keepOrUndo(String.fromCharCode(value));
  }

  /**
   * An escape whose undoing would complete another (`%%32e`) stays: Envoy would make `%2e` of it,
   * and the next hop would read a dot that no policy here has seen.
   */
  #keepOrUndo(character: string): void {
    const completes = HEX_DIGIT.test(character) && OPEN_ESCAPE.test(this.#output.slice(-2));
    if (completes || !UNRESERVED.test(character)) this.#take(3);
    else this.#append(character, 3);
  }

  #escape(code: number): void {
    this.#append(`%${code.toString(16).toUpperCase().padStart(2, '0')}`, 1);
  }

  #take(length: number): void {
    this.#append(this.#path.slice(this.#at, this.#at + length), length);
  }

  #append(text: string, consumed: number): void {
    this.#output += text;
    this.#at += consumed;
  }
}

/** Length of the dot at `at`: 1, or 3 for `%2e`; 0 when there is none. */
function dotLength(path: string, at: number): number {
  if (path.charCodeAt(at) === DOT) return 1;
  return escapedValue(path, at) === DOT ? 3 : 0;
}

function endsSegment(path: string, at: number): boolean {
  if (at >= path.length) return true;
  const code = path.charCodeAt(at);
  return code === SLASH || code === BACKSLASH;
}

/** Value of the escape at `at`, -1 when none is complete there. */
function escapedValue(path: string, at: number): number {
  if (path.charCodeAt(at) !== PERCENT) return -1;
  const high = hexValue(path.charCodeAt(at + 1));
  const low = hexValue(path.charCodeAt(at + 2));
  return high === -1 || low === -1 ? -1 : high * 16 + low;
}

function hexValue(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
