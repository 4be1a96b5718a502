// The libraries that decompress: Envoy's options in terms of node:zlib.
import zlib from 'node:zlib';
import {
  type Brotli,
  BrotliSchema,
} from '../../../api/gen/envoy/extensions/compression/brotli/decompressor/v3/brotli_pb.js';
import {
  type Gzip,
  GzipSchema,
} from '../../../api/gen/envoy/extensions/compression/gzip/decompressor/v3/gzip_pb.js';
import {
  type Zstd,
  ZstdSchema,
} from '../../../api/gen/envoy/extensions/compression/zstd/decompressor/v3/zstd_pb.js';
import type { CompileContext } from '../../../model/extension.ts';
import type { DecompressionLibrary } from './coding-library.ts';
import { DEFAULT_CHUNK_BYTES } from './compressors.ts';
import type { LibraryDefinition } from './typed-library.ts';
import { NO_ZSTD, type ZstdModule, zstdModule } from './zstd.ts';

const DEFAULT_WINDOW_BITS = 15;
/** As Envoy's for gzip and brotli. */
const DEFAULT_MAX_INFLATE_RATIO = 100;

const GZIP: LibraryDefinition<Gzip, DecompressionLibrary> = {
  name: 'envoy.compression.gzip.decompressor',
  schema: GzipSchema,
  support: { window_bits: 'honoured', chunk_size: 'honoured', max_inflate_ratio: 'honoured' },
  compile: (message) => {
    const options = {
      windowBits: message.windowBits ?? DEFAULT_WINDOW_BITS,
      chunkSize: message.chunkSize ?? DEFAULT_CHUNK_BYTES,
    };
    return {
      coding: 'gzip',
      statName: 'gzip',
      maxInflateRatio: message.maxInflateRatio ?? DEFAULT_MAX_INFLATE_RATIO,
      open: () => zlib.createGunzip({ ...options, flush: zlib.constants.Z_SYNC_FLUSH }),
      codeNow: (data) => zlib.gunzipSync(data, options),
    };
  },
};

const BROTLI: LibraryDefinition<Brotli, DecompressionLibrary> = {
  name: 'envoy.compression.brotli.decompressor',
  schema: BrotliSchema,
  support: { disable_ring_buffer_reallocation: 'honoured', chunk_size: 'honoured' },
  compile: (message) => {
    const { constants } = zlib;
    const options = {
      chunkSize: message.chunkSize ?? DEFAULT_CHUNK_BYTES,
      params: {
        [constants.BROTLI_DECODER_PARAM_DISABLE_RING_BUFFER_REALLOCATION]:
          message.disableRingBufferReallocation,
      },
    };
    return {
      coding: 'br',
      statName: 'brotli',
      maxInflateRatio: DEFAULT_MAX_INFLATE_RATIO,
      open: () => zlib.createBrotliDecompress(options),
      codeNow: (data) => zlib.brotliDecompressSync(data, options),
    };
  },
};

const ZSTD: LibraryDefinition<Zstd, DecompressionLibrary> = {
  name: 'envoy.compression.zstd.decompressor',
  schema: ZstdSchema,
  support: {
    dictionaries: { refused: 'Node.js decompresses without dictionaries' },
    chunk_size: 'honoured',
  },
  compile: (message, context) => compileUnzstd(message, context, zstdModule()),
};

/** All there are. */
export const DECOMPRESSORS: readonly LibraryDefinition<never, DecompressionLibrary>[] = [
  GZIP,
  BROTLI,
  ZSTD,
];

/** `zstd` is null where Node has none: then the configuration is refused. */
export function compileUnzstd(
  message: Zstd,
  context: CompileContext,
  zstd: ZstdModule | null,
): DecompressionLibrary | null {
  if (zstd === null) {
    context.reject('', NO_ZSTD);
    return null;
  }
  const options = { chunkSize: message.chunkSize ?? DEFAULT_CHUNK_BYTES };
  return {
    coding: 'zstd',
    statName: 'zstd',
    maxInflateRatio: DEFAULT_MAX_INFLATE_RATIO,
    open: () => zstd.createZstdDecompress(options),
    codeNow: (data) => zstd.zstdDecompressSync(data, options),
  };
}
