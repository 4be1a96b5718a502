// Decompresses content on the fly.
import {
  type Decompressor_CommonDirectionConfig as CommonDirection,
  type Decompressor,
  Decompressor_CommonDirectionConfigSchema,
  Decompressor_RequestDirectionConfigSchema,
  Decompressor_ResponseDirectionConfigSchema,
  DecompressorSchema,
} from '../../api/gen/envoy/extensions/filters/http/decompressor/v3/decompressor_pb.js';
import { compileRuntimeFlag } from '../../config/compile/runtime-values.ts';
import type { CompileContext } from '../../model/extension.ts';
import type { HttpFilterDefinition } from '../http-filter.ts';
import { BodyFilter } from './coding/body-filter.ts';
import type { DecompressionLibrary } from './coding/coding-library.ts';
import { DECOMPRESSORS } from './coding/decompressors.ts';
import { compileLibrary, librarySupport } from './coding/typed-library.ts';
import {
  type DecompressedDirection,
  DecompressorChoice,
  type DecompressorConfig,
  DecompressorRuntime,
} from './decompressor/decompressor-choice.ts';

const SLOT = {
  path: 'decompressor_library',
  definitions: DECOMPRESSORS,
  category: 'decompressor library',
} as const;

/** envoy.filters.http.decompressor */
export const decompressorDefinition: HttpFilterDefinition<Decompressor, DecompressorConfig> = {
  name: 'envoy.filters.http.decompressor',
  schema: DecompressorSchema,
  isTerminal: false,
  support: {
    [DecompressorSchema.typeName]: {
      decompressor_library: 'honoured',
      request_direction_config: 'honoured',
      response_direction_config: 'honoured',
    },
    [Decompressor_CommonDirectionConfigSchema.typeName]: {
      enabled: 'honoured',
      ignore_no_transform_header: 'honoured',
    },
    [Decompressor_RequestDirectionConfigSchema.typeName]: {
      common_config: 'honoured',
      advertise_accept_encoding: 'honoured',
    },
    [Decompressor_ResponseDirectionConfigSchema.typeName]: { common_config: 'honoured' },
    ...librarySupport(DECOMPRESSORS),
  },
  compile: compileDecompressor,
  factory: (config, services) => {
    const runtime = new DecompressorRuntime(config, services.scope);
    return { create: (callbacks) => new BodyFilter(new DecompressorChoice(runtime, callbacks)) };
  },
};

function compileDecompressor(
  message: Decompressor,
  context: CompileContext,
): DecompressorConfig | null {
  const { decompressorLibrary, requestDirectionConfig, responseDirectionConfig } = message;
  const library = compileLibrary<DecompressionLibrary>(decompressorLibrary, SLOT, context);
  if (library === null) return null;
  return Object.freeze({
    libraryName: decompressorLibrary?.name ?? '',
    library,
    request: compileDirection(requestDirectionConfig?.commonConfig, context),
    response: compileDirection(responseDirectionConfig?.commonConfig, context),
    advertises: requestDirectionConfig?.advertiseAcceptEncoding ?? true,
  });
}

function compileDirection(
  message: CommonDirection | undefined,
  context: CompileContext,
): DecompressedDirection {
  return {
    enabled: compileRuntimeFlag(message?.enabled, context),
    ignoresNoTransform: message?.ignoreNoTransformHeader ?? false,
  };
}
