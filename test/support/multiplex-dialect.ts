// What the far end of a pool's connection with many streams can say: in the lines of the fake codec,
// or in the frames of HTTP/2. A connection is the test's end of it (FakeConnection).
import type { ClientCodec } from '../../proxy/http/codec.ts';
import { CLIENT_CODECS } from '../../proxy/upstream/pool/client-codecs.ts';
import type { ClientCodecFactory } from '../../proxy/upstream/upstream-context.ts';
import type { FakeConnection } from './fake-connector.ts';
import { FakeMultiplexCodec } from './fake-multiplex-codec.ts';
import {
  FrameReader,
  goawayFrame,
  PREFACE,
  resetFrame,
  SETTING,
  settingsFrame,
  splitHeaders,
  TYPE,
} from './h2-frames.ts';

/** See the file's head. Everything that is said is latin1 text. */
export interface MultiplexDialect {
  readonly codecs: ClientCodecFactory;
  /** What comes before anything else. */
  readonly greeting: string;
  readonly rubbish: string;
  /** Ids of the streams that were opened, in order. */
  opened(connection: FakeConnection): readonly number[];
  limit(streams: number): string;
  answer(id: number): string;
  reset(id: number): string;
  refuse(id: number): string;
  goAway(lastId: number): string;
}

/** The lines of FakeMultiplexCodec. */
export const LINES: MultiplexDialect = {
  codecs: {
    create: ({ http }, sink, handler) =>
      new FakeMultiplexCodec(http.http2.maxConcurrentStreams, sink, handler),
  },
  greeting: '',
  rubbish: '?\n',
  opened: ({ written }) => (written.match(/Q\d+/g) ?? []).map((text) => Number(text.slice(1))),
  limit: (streams) => `L${streams}\n`,
  answer: (id) => `R${id}\n`,
  reset: (id) => `X${id}\n`,
  refuse: (id) => `F${id}\n`,
  goAway: (lastId) => `G${lastId}\n`,
};

/** What was read of a connection so far. */
interface Opened {
  readonly reader: FrameReader;
  readonly ids: number[];
  at: number;
}

const OPENED = new WeakMap<FakeConnection, Opened>();

/** Frames, with the real codec. */
export const FRAMES: MultiplexDialect = {
  codecs: CLIENT_CODECS,
  greeting: settingsFrame().toString('latin1'),
  rubbish: '?'.repeat(32),
  opened: (connection) => {
    let opened = OPENED.get(connection);
    if (opened === undefined) {
      opened = { reader: new FrameReader(), ids: [], at: PREFACE.length };
      OPENED.set(connection, opened);
    }
    const fresh = Buffer.from(connection.written.slice(opened.at), 'latin1');
    opened.at = Math.max(opened.at, connection.written.length);
    for (const { type, streamId } of opened.reader.read(fresh)) {
      if (type === TYPE.HEADERS) opened.ids.push(streamId);
    }
    return opened.ids;
  },
  limit: (streams) => text(settingsFrame([[SETTING.MAX_CONCURRENT_STREAMS, streams]])),
  answer: (id) => text(splitHeaders(id, [[':status', '200']], { endStream: true })),
  reset: (id) => text(resetFrame(id, 'CANCEL')),
  refuse: (id) => text(resetFrame(id, 'REFUSED_STREAM')),
  goAway: (lastId) => text(goawayFrame(lastId, 'NO_ERROR')),
};

/** The same factory, which tells of every codec that it makes. */
export function watched(
  codecs: ClientCodecFactory,
  onCodec: (codec: ClientCodec, connection: FakeConnection) => void,
): ClientCodecFactory {
  return {
    create: (setup, sink, handler) => {
      const codec = codecs.create(setup, sink, handler);
      onCodec(codec, sink as FakeConnection);
      return codec;
    },
  };
}

function text(frame: Buffer): string {
  return frame.toString('latin1');
}
