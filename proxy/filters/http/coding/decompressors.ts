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

const NOTHING = Buffer.alloc(0);
const ZLIB_ERRORS: Readonly<Record<string, string>> = {
  Z_ERRNO: 'zlib_errno',
  Z_STREAM_ERROR: 'zlib_stream_error',
  Z_DATA_ERROR: 'zlib_data_error',
  Z_MEM_ERROR: 'zlib_mem_error',
  Z_BUF_ERROR: 'zlib_buf_error',
  Z_VERSION_ERROR: 'zlib_version_error',
};
const ZSTD_ERRORS: Readonly<Record<string, string>> = {
  ZSTD_error_memory_allocation: 'zstd_memory_error',
  ZSTD_error_dictionary_corrupted: 'zstd_dictionary_error',
  ZSTD_error_dictionary_wrong: 'zstd_dictionary_error',
  ZSTD_error_checksum_wrong: 'zstd_checksum_wrong_error',
};

const GZIP: LibraryDefinition<Gzip, DecompressionLibrary> = {
  name: 'envoy.compression.gzip.decompressor',
  schema: GzipSchema,
  support: { window_bits: 'honoured', chunk_size: 'honoured', max_inflate_ratio: 'honoured' },
  compile: (message) => {
    const options = {
      windowBits: message.windowBits ?? DEFAULT_WINDOW_BITS,
      chunkSize: message.chunkSize ?? DEFAULT_CHUNK_BYTES,
    };
    const maxInflateRatio = message.maxInflateRatio ?? DEFAULT_MAX_INFLATE_RATIO;
    return {
      coding: 'gzip',
      statName: 'gzip',
      maxInflateRatio,
      errors: ZLIB_ERRORS,
      defaultError: 'zlib_data_error',
      open: () => zlib.createGunzip({ ...options, flush: zlib.constants.Z_SYNC_FLUSH }),
      codeNow: (data) =>
        decodeNow(data, maxInflateRatio, (maxOutputLength) =>
          zlib.gunzipSync(data, { ...options, maxOutputLength }),
        ),
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
      errors: {},
      defaultError: 'brotli_error',
      open: () => zlib.createBrotliDecompress(options),
      codeNow: (data) =>
        decodeNow(data, DEFAULT_MAX_INFLATE_RATIO, (maxOutputLength) =>
          zlib.brotliDecompressSync(data, { ...options, maxOutputLength }),
        ),
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
    errors: ZSTD_ERRORS,
    defaultError: 'zstd_generic_error',
    open: () => zstd.createZstdDecompress(options),
    codeNow: (data) =>
      decodeNow(data, DEFAULT_MAX_INFLATE_RATIO, (maxOutputLength) =>
        zstd.zstdDecompressSync(data, { ...options, maxOutputLength }),
      ),
  };
}

/** Content of no octets is none, whatever it claims to be. */
function decodeNow(
  data: Buffer,
  maxRatio: number,
  decode: (maxOutputLength: number) => Buffer,
): Buffer {
  return data.length === 0 ? NOTHING : decode(data.length * maxRatio);
}
