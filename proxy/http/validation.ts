// Checks of text that the proxy itself puts into messages: what passes here can stand on the wire
// without adding a line, and is written in latin1 without loss.

/** True for a valid field name, any case (RFC 9110 §5.1). */
export function isFieldName(name: string): boolean {
  return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name);
}

/** True for text that a field value may hold: HTAB, visible ASCII, SP, obs-text (RFC 9110 §5.5). */
export function isFieldValue(value: string): boolean {
  for (let at = 0; at < value.length; at += 1) {
    const code = value.charCodeAt(at);
    if ((code < 0x20 && code !== 0x09) || code === 0x7f || code > 0xff) return false;
  }
  return true;
}

/** True for non-empty text that a request target may hold: visible ASCII without `#`. */
export function isTargetText(target: string): boolean {
  for (let at = 0; at < target.length; at += 1) {
    const code = target.charCodeAt(at);
    if (code <= 0x20 || code >= 0x7f || code === 0x23) return false;
  }
  return target.length > 0;
}
