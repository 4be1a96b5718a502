// Streams in the order in which they get their turn; a stream stands in one ring at most.
import { INVARIANTS, invariant } from '../../base/invariants.ts';
import type { H2Stream, StreamRingLike } from './stream.ts';

/** A queue whose members can leave from the middle; the links are fields of the streams. */
export class StreamRing implements StreamRingLike {
  /** Who is next; null: nobody waits. */
  first: H2Stream | null = null;

  /** Puts a stream behind all others; harmless when it stands here already. */
  add(stream: H2Stream): void {
    if (stream.ring === this) return;
    stream.ring?.remove(stream);
    const { first } = this;
    stream.ring = this;
    if (first === null) {
      this.first = stream;
      stream.next = stream;
      stream.previous = stream;
      return;
    }
    const last = first.previous as H2Stream;
    stream.next = first;
    stream.previous = last;
    last.next = stream;
    first.previous = stream;
    if (INVARIANTS) this.checkInvariants();
  }

  /** Takes a stream of this ring out. */
  remove(stream: H2Stream): void {
    if (stream.ring !== this) return;
    const next = stream.next as H2Stream;
    const previous = stream.previous as H2Stream;
    previous.next = next;
    next.previous = previous;
    if (this.first === stream) this.first = next === stream ? null : next;
    stream.ring = null;
    stream.next = null;
    stream.previous = null;
    if (INVARIANTS) this.checkInvariants();
  }

  checkInvariants(): void {
    const { first } = this;
    if (first === null) return;
    invariant(first.ring === this, 'stream ring: members know their ring');
    invariant(first.previous?.next === first, 'stream ring: neighbours know each other');
  }
}
