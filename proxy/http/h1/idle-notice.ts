// RFC 9110 §15.5.9: servers may say 408 before they close an idle connection politely.
import { latin1Slice } from '../../base/latin1.ts';

const NOTICE = /^HTTP\/1\.[01] 408 /;
const NOTICE_LENGTH = 13;

/** True when what a server sends unasked says no more than that it closes. */
export function isIdleNotice(buffer: Buffer, start: number, end: number): boolean {
  return NOTICE.test(latin1Slice(buffer, start, Math.min(end, start + NOTICE_LENGTH)));
}
