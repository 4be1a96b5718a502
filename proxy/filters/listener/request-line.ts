// Recognises HTTP by the first line of a connection, in whatever pieces it arrives.

/** What the octets so far are. */
export type LineVerdict = 'more' | 'other' | 'HTTP/1.0' | 'HTTP/1.1' | 'HTTP/2';

/** RFC 9113 §3.4. */
const HTTP2_PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const LF = 10;
/** What separates the words of a line, as lenient HTTP parsers read it. */
const BLANKS = '[\\0-\\x20]';
/** RFC 9110 §5.6.2. */
const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]";
const FIRST_OCTET = new RegExp(`^${TOKEN}`);
const REQUEST_LINE = new RegExp(
  `^(${TOKEN}+)${BLANKS}+([^\\0-\\x20]+)(?:${BLANKS}+(HTTP/\\d\\.\\d))?${BLANKS}*$`,
);
/** A path or `*`; a scheme with an authority; an authority, which only CONNECT has. */
const PATH = /^[/*][!-~]*$/;
const ABSOLUTE = /^[a-z][a-z0-9+.-]*:\/\/[!$%&'()*+,\-.:;=@[\]_~0-9a-z]*(?:[/?][!-~]*)?$/i;
const AUTHORITY = /^[!$%&'()*+,\-.:;=@[\]_~0-9a-z]+(?:[/?][!-~]*)?$/i;

/** Reads one connection's first line. */
export class RequestLineReader {
  /** Octets that hold no line end. */
  #searched = 0;

  /** `bytes[0, length)` are all octets since the connection began: the same as before, and more. */
  read(bytes: Buffer, length: number): LineVerdict {
    if (length === 0) return 'more';
    const size = Math.min(length, HTTP2_PREFACE.length);
    if (HTTP2_PREFACE.subarray(0, size).equals(bytes.subarray(0, size))) {
      return length < HTTP2_PREFACE.length ? 'more' : 'HTTP/2';
    }
    if (!FIRST_OCTET.test(String.fromCharCode(bytes[0]!))) return 'other';
    const end = bytes.subarray(this.#searched, length).indexOf(LF);
    if (end === -1) {
      this.#searched = length;
      return 'more';
    }
    return verdictOn(bytes.toString('latin1', 0, this.#searched + end));
  }
}

/** `line` is without its LF. A version that is neither 1.0 nor 1.1, or none, counts as 1.0. */
function verdictOn(line: string): LineVerdict {
  const match = REQUEST_LINE.exec(line);
  if (match === null) return 'other';
  const [, method, target = '', version] = match;
  const isTarget = PATH.test(target) || (method === 'CONNECT' ? AUTHORITY : ABSOLUTE).test(target);
  if (!isTarget) return 'other';
  return version === 'HTTP/1.1' ? 'HTTP/1.1' : 'HTTP/1.0';
}
