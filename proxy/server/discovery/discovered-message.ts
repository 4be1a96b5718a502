// What a source sent: opened, checked against the rules of its proto and for what has no effect
// here, and told apart from what it sent before.
import { hash } from 'node:crypto';
import type { Message } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import { apiRegistry } from '../../api/registry.ts';
import { type OpenedAny, typeNameOf } from '../../config/schema/any.ts';
import { openAny, openOnce } from '../../config/schema/open-any.ts';
import { checkMessage } from '../check-message.ts';

/** A message that passed, or every reason why it did not. */
export type DiscoveredMessage =
  | { readonly ok: true; readonly message: Message }
  | {
      readonly ok: false;
      readonly error: string;
      /** null: it is no message of that type at all. */
      readonly message: Message | null;
    };

/** Opens and checks a resource of a type; `precheck` answers why it is refused in any case. */
export function readDiscovered(
  content: Any,
  typeUrl: string,
  precheck: (message: Message) => string = () => '',
): DiscoveredMessage {
  return check(openAny(content, apiRegistry), { content, typeUrl, precheck });
}

/** The same for one of many that nobody opens again soon: nothing of it is remembered. */
export function readOnce(content: Any, typeUrl: string): DiscoveredMessage {
  return check(openOnce(content, apiRegistry), { content, typeUrl, precheck: () => '' });
}

function check(
  opened: OpenedAny | null,
  wanted: {
    readonly content: Any;
    readonly typeUrl: string;
    readonly precheck: (message: Message) => string;
  },
): DiscoveredMessage {
  const { content, precheck, typeUrl } = wanted;
  const typeName = typeNameOf(typeUrl);
  if (opened === null || opened.schema.typeName !== typeName) {
    const octets = `[${content.typeUrl}]`;
    return { ok: false, error: `Unable to unpack as ${typeName}: ${octets}`, message: null };
  }
  const error = precheck(opened.message) || checkMessage(opened.message);
  const message = compactMessage(opened.message);
  return error === '' ? { ok: true, message } : { ok: false, error, message };
}

/**
 * The same in half of the memory, for one of thousands that are kept: decoders add members one by
 * one, which makes a hash table of an object with as many as a cluster has.
 */
function compactMessage(message: Message): Message {
  if (Object.getPrototypeOf(message) !== Object.prototype) return message;
  const members: object = message;
  // The name stands first: behind a spread it would give each message a hidden class of its own.
  return { $typeName: message.$typeName, ...members };
}

/** The same for the same content. */
export function contentHash({ typeUrl, value }: Any): string {
  return `${typeUrl} ${hash('sha256', value, 'base64')}`;
}
