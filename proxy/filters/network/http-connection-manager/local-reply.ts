// Replies that the proxy makes itself.
import { HeaderList } from '../../../http/header-list.ts';
import { HEADER_ID } from '../../../http/header-names.ts';
import { ResponseHead } from '../../../http/message.ts';
import type { ProtocolError } from '../../../http/protocol-error.ts';
import { reasonPhrase } from '../../../http/status.ts';
import type { LocalReply } from '../../http-filter.ts';

/** The head of a reply: length and type for a body, nothing for an empty one. */
export function localReplyHead(reply: LocalReply): ResponseHead {
  const headers = reply.headers ?? HeaderList.empty();
  if (reply.body !== '') {
    headers.setKnown(HEADER_ID['content-length'], String(Buffer.byteLength(reply.body)));
    if (!headers.mayHave(HEADER_ID['content-type'])) {
      headers.addKnown(HEADER_ID['content-type'], 'text/plain');
    }
  }
  return new ResponseHead(reply.status, headers);
}

/** The answer to what is not HTTP: the status's own phrase. */
export function protocolErrorReply(error: ProtocolError): LocalReply {
  return {
    status: error.status,
    body: reasonPhrase(error.status),
    details: error.details,
    flag: null,
    headers: null,
  };
}

/** A reply without body. */
export function emptyReply(status: number, details: string): LocalReply {
  return { status, body: '', details, flag: null, headers: null };
}
