// Copies of heads, for requests that are sent more than once and not quite the same.
import { HeaderList } from './header-list.ts';
import { RequestHead } from './message.ts';

/** The same fields in a list of their own. */
export function copyFields(fields: HeaderList): HeaderList {
  const copy = HeaderList.empty();
  for (let index = 0; index < fields.length; index += 1) {
    const name = fields.nameAt(index);
    if (name !== '') copy.add(name, fields.valueAt(index));
  }
  return copy;
}

/** The same head with fields of its own. */
export function copyRequestHead(head: RequestHead): RequestHead {
  const copy = new RequestHead(head.protocol, head.method, head, copyFields(head.headers));
  copy.upgrade = head.upgrade;
  return copy;
}
