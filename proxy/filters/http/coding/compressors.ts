// The libraries that compress: Envoy's options in terms of node:zlib.
import zlib from 'node:zlib';
import {
  type Brotli,
  Brotli_EncoderMode,
  BrotliSchema,
} from '../../../api/gen/envoy/extensions/compression/brotli/compressor/v3/brotli_pb.js';
import {
  type Gzip,
  GzipSchema,
} from '../../../api/gen/envoy/extensions/compression/gzip/compressor/v3/gzip_pb.js';
import {
  type Zstd,
  ZstdSchema,
} from '../../../api/gen/envoy/extensions/compression/zstd/compressor/v3/zstd_pb.js';
import type { CompileContext } from '../../../model/extension.ts';
import type { CodingLibrary } from './coding-library.ts';
import type { LibraryDefinition } from './typed-library.ts';
import { NO_ZSTD, type ZstdModule, zstdModule } from './zstd.ts';

/** Envoy's default of every library: output comes in pieces of this many octets. */
export const DEFAULT_CHUNK_BYTES = 4096;
/** zlib's name for «choose yourself», 6 in practice. */
const DEFAULT_GZIP_LEVEL = -1;
const DEFAULT_GZIP_MEMORY_LEVEL = 5;
const DEFAULT_GZIP_WINDOW_BITS = 12;
const DEFAULT_BROTLI_QUALITY = 3;
const DEFAULT_BROTLI_WINDOW_BITS = 18;
const DEFAULT_BROTLI_INPUT_BLOCK_BITS = 24;
const DEFAULT_ZSTD_LEVEL = 3;

const MODES: Readonly<Record<Brotli_EncoderMode, number>> = {
  [Brotli_EncoderMode.DEFAULT]: zlib.constants.BROTLI_MODE_GENERIC,
  [Brotli_EncoderMode.GENERIC]: zlib.constants.BROTLI_MODE_GENERIC,
  [Brotli_EncoderMode.TEXT]: zlib.constants.BROTLI_MODE_TEXT,
  [Brotli_EncoderMode.FONT]: zlib.constants.BROTLI_MODE_FONT,
};

const GZIP: LibraryDefinition<Gzip, CodingLibrary> = {
  name: 'envoy.compression.gzip.compressor',
  schema: GzipSchema,
  support: {
    memory_level: 'honoured',
    compression_level: 'honoured',
    compression_strategy: 'honoured',
    window_bits: 'honoured',
    chunk_size: 'honoured',
  },
  compile: (message) => gzipLibrary(message),
};

const BROTLI: LibraryDefinition<Brotli, CodingLibrary> = {
  name: 'envoy.compression.brotli.compressor',
  schema: BrotliSchema,
  support: {
    quality: 'honoured',
    encoder_mode: 'honoured',
    window_bits: 'honoured',
    input_block_bits: 'honoured',
    chunk_size: 'honoured',
    disable_literal_context_modeling: 'honoured',
  },
  compile: (message) => brotliLibrary(message),
};

const ZSTD: LibraryDefinition<Zstd, CodingLibrary> = {
  name: 'envoy.compression.zstd.compressor',
  schema: ZstdSchema,
  support: {
    compression_level: 'honoured',
    enable_checksum: 'honoured',
    strategy: 'honoured',
    dictionary: { refused: 'Node.js compresses without dictionaries' },
    chunk_size: 'honoured',
  },
  compile: (message, context) => compileZstd(message, context, zstdModule()),
};

/** All there are. */
export const COMPRESSORS: readonly LibraryDefinition<never, CodingLibrary>[] = [GZIP, BROTLI, ZSTD];

function gzipLibrary(message: Gzip): CodingLibrary {
  const options = {
    level: message.compressionLevel === 0 ? DEFAULT_GZIP_LEVEL : message.compressionLevel,
    strategy: message.compressionStrategy,
    memLevel: message.memoryLevel ?? DEFAULT_GZIP_MEMORY_LEVEL,
    windowBits: message.windowBits ?? DEFAULT_GZIP_WINDOW_BITS,
    chunkSize: message.chunkSize ?? DEFAULT_CHUNK_BYTES,
  };
  const streaming = { ...options, flush: zlib.constants.Z_SYNC_FLUSH };
  return {
    coding: 'gzip',
    statName: 'gzip',
    open: () => zlib.createGzip(streaming),
    codeNow: (data) => zlib.gzipSync(data, options),
  };
}

function brotliLibrary(message: Brotli): CodingLibrary {
  const { constants } = zlib;
  const options = {
    chunkSize: message.chunkSize ?? DEFAULT_CHUNK_BYTES,
    params: {
      [constants.BROTLI_PARAM_QUALITY]: message.quality ?? DEFAULT_BROTLI_QUALITY,
      [constants.BROTLI_PARAM_LGWIN]: message.windowBits ?? DEFAULT_BROTLI_WINDOW_BITS,
      [constants.BROTLI_PARAM_LGBLOCK]: message.inputBlockBits ?? DEFAULT_BROTLI_INPUT_BLOCK_BITS,
      [constants.BROTLI_PARAM_MODE]: MODES[message.encoderMode],
      [constants.BROTLI_PARAM_DISABLE_LITERAL_CONTEXT_MODELING]:
        message.disableLiteralContextModeling,
    },
  };
  const streaming = { ...options, flush: constants.BROTLI_OPERATION_FLUSH };
  return {
    coding: 'br',
    statName: 'brotli',
    open: () => zlib.createBrotliCompress(streaming),
    codeNow: (data) => zlib.brotliCompressSync(data, options),
  };
}

/** `zstd` is null where Node has none: then the configuration is refused. */
export function compileZstd(
  message: Zstd,
  context: CompileContext,
  zstd: ZstdModule | null,
): CodingLibrary | null {
  if (zstd === null) {
    context.reject('', NO_ZSTD);
    return null;
  }
  const { constants } = zstd;
  const params: Record<number, number> = {
    [constants.ZSTD_c_compressionLevel]: message.compressionLevel ?? DEFAULT_ZSTD_LEVEL,
    [constants.ZSTD_c_checksumFlag]: message.enableChecksum ? 1 : 0,
  };
  // 0 is Envoy's DEFAULT: what the level brings.
  if (message.strategy !== 0) params[constants.ZSTD_c_strategy] = message.strategy;
  const options = { chunkSize: message.chunkSize ?? DEFAULT_CHUNK_BYTES, params };
  const streaming = { ...options, flush: constants.ZSTD_e_flush };
  return {
    coding: 'zstd',
    statName: 'zstd',
    open: () => zstd.createZstdCompress(streaming),
    codeNow: (data) => zstd.zstdCompressSync(data, options),
  };
}
