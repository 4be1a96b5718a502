// Streams that are not about resources (load reports, health checks) as the server sees them.
import { type DescMessage, fromBinary, type MessageShape } from '@bufbuild/protobuf';
import type { ServedStream } from './control-plane.ts';
import { eventually } from './eventually.ts';

/** Everything that came so far, decoded. */
export function reportsOf<D extends DescMessage>(
  stream: ServedStream,
  schema: D,
): readonly MessageShape<D>[] {
  return stream.octets.map((octets) => fromBinary(schema, octets));
}

/** Waits for so many messages and gives the last of them. */
export async function reportOf<D extends DescMessage>(
  stream: ServedStream,
  schema: D,
  count: number,
): Promise<MessageShape<D>> {
  await eventually(() => stream.octets.length >= count);
  return fromBinary(schema, stream.octets[count - 1] as Buffer);
}
