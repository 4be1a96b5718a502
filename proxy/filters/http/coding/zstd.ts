// Zstandard in node:zlib, which not every Node has: 22.15, 23.8 and later ones.
import type { Transform } from 'node:stream';
import zlib from 'node:zlib';

/** Options of both directions, as node:zlib takes them. */
export interface ZstdOptions {
  readonly chunkSize: number;
  readonly flush?: number;
  readonly params?: Readonly<Record<number, number | boolean>>;
  readonly maxOutputLength?: number;
}

/** The part of node:zlib that is needed; the types of the oldest Node lack it. */
export interface ZstdModule {
  createZstdCompress(options: ZstdOptions): Transform;
  createZstdDecompress(options: ZstdOptions): Transform;
  zstdCompressSync(data: Buffer, options: ZstdOptions): Buffer;
  zstdDecompressSync(data: Buffer, options: ZstdOptions): Buffer;
  readonly constants: {
    readonly ZSTD_c_compressionLevel: number;
    readonly ZSTD_c_checksumFlag: number;
    readonly ZSTD_c_strategy: number;
    readonly ZSTD_e_flush: number;
  };
}

/** Why a configuration with zstd is refused here. */
export const NO_ZSTD = `zstd needs Node.js 22.15 or later, and this is ${process.version}: update Node.js, or use envoy.compression.gzip or envoy.compression.brotli`;

/** zstd of this Node; null: it has none. */
export function zstdModule(from: object = zlib): ZstdModule | null {
  return 'createZstdCompress' in from ? (from as ZstdModule) : null;
}
