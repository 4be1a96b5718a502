// Writes down what a codec of HTTP/1.1 or of a tunnel tells its connection and the receivers of its
// streams. Tests extend it by the side that they play.
import type { CodecDone } from '../../proxy/http/codec.ts';
import { RecordingSink } from './recording-sink.ts';

/** What both sides are told, as text. */
export class ToldEvents {
  readonly sink = new RecordingSink();
  readonly events: string[] = [];

  onInformational(): void {
    this.events.push('1xx');
  }

  onData(data: Buffer, endStream: boolean): void {
    this.events.push(`data ${data.toString('latin1')}${endStream ? ' end' : ''}`);
  }

  onTrailers(): void {
    this.events.push('trailers');
  }

  onReset(reason: string): void {
    this.events.push(`reset ${reason}`);
  }

  onWritable(): void {
    this.events.push('writable');
  }

  onStreamClosed(): void {
    this.events.push('closed');
  }

  onConnectionDone(reason: CodecDone): void {
    this.events.push(`done ${reason.kind}`);
  }

  /** What was told since the last call. */
  take(): string[] {
    return this.events.splice(0);
  }

  /** What was written since the last call. */
  wire(): string {
    const { text } = this.sink;
    this.sink.text = '';
    return text;
  }
}
