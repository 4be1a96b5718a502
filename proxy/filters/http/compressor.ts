// Compresses content on the fly with gzip, brotli or zstd.
import {
  type Compressor_CommonDirectionConfig as CommonDirection,
  type Compressor,
  Compressor_CommonDirectionConfigSchema,
  Compressor_RequestDirectionConfigSchema,
  Compressor_ResponseDirectionConfigSchema,
  CompressorOverridesSchema,
  type CompressorPerRoute,
  CompressorPerRouteSchema,
  CompressorSchema,
  ResponseDirectionOverridesSchema,
} from '../../api/gen/envoy/extensions/filters/http/compressor/v3/compressor_pb.js';
import { compileRuntimeFlag } from '../../config/compile/runtime-values.ts';
import { compileStringMatcher } from '../../config/compile/string-matcher.ts';
import type { CompileContext } from '../../model/extension.ts';
import type { Live } from '../../model/runtime.ts';
import type { HttpFilterDefinition } from '../http-filter.ts';
import { BodyFilter } from './coding/body-filter.ts';
import type { CodingLibrary } from './coding/coding-library.ts';
import { COMPRESSORS } from './coding/compressors.ts';
import { compileLibrary, librarySupport } from './coding/typed-library.ts';
import { CompressorChoice, CompressorRuntime } from './compressor/compressor-choice.ts';
import {
  type CompressorConfig,
  CompressorStats,
  type DirectionConfig,
  type ResponseDirectionConfig,
} from './compressor/compressor-config.ts';

/** Envoy's min_content_length, also for 0: less would grow. */
const NEVER: Live<boolean> = Object.freeze({ value: false });
const DEFAULT_MIN_CONTENT_LENGTH = 30;
/** Envoy's content types. */
const DEFAULT_TYPES: readonly string[] = [
  'text/html',
  'text/plain',
  'text/css',
  'application/javascript',
  'application/x-javascript',
  'text/javascript',
  'text/x-javascript',
  'text/ecmascript',
  'text/js',
  'text/jscript',
  'text/x-js',
  'application/ecmascript',
  'application/x-json',
  'application/xml',
  'application/json',
  'image/svg+xml',
  'text/xml',
  'application/xhtml+xml',
  'application/grpc-web',
  'application/grpc-web+proto',
];
const NO_TYPES: ReadonlySet<string> = new Set();
const SLOT = {
  path: 'compressor_library',
  definitions: COMPRESSORS,
  category: 'compressor library',
} as const;

/** What a route may change. */
interface RouteOverrides {
  /** null: as configured. */
  readonly responseIsEnabled: boolean | null;
  readonly removeAcceptEncoding: boolean | null;
  readonly library: CodingLibrary | null;
}

/** envoy.filters.http.compressor */
export const compressorDefinition: HttpFilterDefinition<Compressor, CompressorConfig> = {
  name: 'envoy.filters.http.compressor',
  schema: CompressorSchema,
  isTerminal: false,
  support: {
    [CompressorSchema.typeName]: {
      content_length: 'honoured',
      content_type: 'honoured',
      disable_on_etag_header: 'honoured',
      remove_accept_encoding_header: 'honoured',
      runtime_enabled: 'honoured',
      compressor_library: 'honoured',
      request_direction_config: 'honoured',
      response_direction_config: 'honoured',
      choose_first: 'honoured',
    },
    [Compressor_CommonDirectionConfigSchema.typeName]: {
      enabled: 'honoured',
      min_content_length: 'honoured',
      content_type: 'honoured',
      content_type_matcher: 'honoured',
    },
    [Compressor_RequestDirectionConfigSchema.typeName]: { common_config: 'honoured' },
    [Compressor_ResponseDirectionConfigSchema.typeName]: {
      common_config: 'honoured',
      disable_on_etag_header: 'honoured',
      weaken_etag_on_compress: 'honoured',
      remove_accept_encoding_header: 'honoured',
      uncompressible_response_codes: 'honoured',
      status_header_enabled: 'honoured',
    },
    ...librarySupport(COMPRESSORS),
  },
  perRoute: {
    schema: CompressorPerRouteSchema,
    support: {
      [CompressorPerRouteSchema.typeName]: { disabled: 'honoured', overrides: 'honoured' },
      [CompressorOverridesSchema.typeName]: {
        response_direction_config: 'honoured',
        compressor_library: 'honoured',
      },
      [ResponseDirectionOverridesSchema.typeName]: { remove_accept_encoding_header: 'honoured' },
    },
    compile: (message, context) => compileOverrides(message as CompressorPerRoute, context),
  },
  compile: compileCompressor,
  onRoute: (own, levels) => override(own, levels[0] as unknown as RouteOverrides),
  factory: (config, services) => {
    const stats = new CompressorStats(services.scope, config);
    const runtime = new CompressorRuntime(config, stats);
    return { create: (callbacks) => new BodyFilter(new CompressorChoice(runtime, callbacks)) };
  },
};

function compileCompressor(message: Compressor, context: CompileContext): CompressorConfig | null {
  const library = compileLibrary<CodingLibrary>(message.compressorLibrary, SLOT, context);
  const { requestDirectionConfig: request } = message;
  const requestConfig = compileDirection(
    request?.commonConfig,
    context.at('request_direction_config.common_config'),
  );
  const response = compileResponse(message, context);
  if (library === null) return null;
  return Object.freeze({
    libraryName: message.compressorLibrary?.name ?? '',
    coding: library.coding,
    library,
    request: request === undefined ? { ...requestConfig, enabled: NEVER } : requestConfig,
    response,
    chooseFirst: message.chooseFirst,
  });
}

/** Without response_direction_config the deprecated fields of the message itself count. */
function compileResponse(message: Compressor, context: CompileContext): ResponseDirectionConfig {
  const { responseDirectionConfig: response } = message;
  const path = response === undefined ? '' : 'response_direction_config.common_config';
  const common = compileDirection(
    response === undefined ? deprecatedDirection(message) : response.commonConfig,
    path === '' ? context : context.at(path),
  );
  const { disableOnEtagHeader, removeAcceptEncodingHeader } = response ?? message;
  return {
    ...common,
    disableOnEtag: disableOnEtagHeader,
    weakenEtag: response?.weakenEtagOnCompress ?? false,
    removeAcceptEncoding: removeAcceptEncodingHeader,
    uncompressibleCodes: new Set(response?.uncompressibleResponseCodes),
    statusHeader: response?.statusHeaderEnabled ?? false,
    hasOwnStats: response !== undefined,
  };
}

/** What both directions are configured with. */
type DirectionMessage = Pick<
  CommonDirection,
  'enabled' | 'minContentLength' | 'contentType' | 'contentTypeMatcher'
>;

function deprecatedDirection(message: Compressor): DirectionMessage {
  const { runtimeEnabled: enabled, contentLength: minContentLength, contentType } = message;
  return { enabled, minContentLength, contentType, contentTypeMatcher: [] };
}

function compileDirection(
  message: DirectionMessage | undefined,
  context: CompileContext,
): DirectionConfig {
  const types = message?.contentType ?? [];
  const matchers = (message?.contentTypeMatcher ?? []).flatMap((matcher, index) => {
    const compiled = compileStringMatcher(matcher, context.at(`content_type_matcher[${index}]`));
    return compiled === null ? [] : [compiled];
  });
  const hasMatchers = message !== undefined && message.contentTypeMatcher.length > 0;
  if (hasMatchers && types.length > 0) {
    context.warn('content_type', 'has no effect beside content_type_matcher');
  }
  const minContentLength = message?.minContentLength ?? 0;
  return {
    enabled: compileRuntimeFlag(message?.enabled, context),
    minContentLength: minContentLength === 0 ? DEFAULT_MIN_CONTENT_LENGTH : minContentLength,
    types: hasMatchers ? NO_TYPES : typeSet(types.length > 0 ? types : DEFAULT_TYPES),
    typeMatchers: matchers,
  };
}

function typeSet(types: readonly string[]): ReadonlySet<string> {
  return new Set(types.map((type) => type.toLowerCase()));
}

function compileOverrides(
  { override: choice }: CompressorPerRoute,
  context: CompileContext,
): RouteOverrides | null {
  if (choice.case !== 'overrides') {
    return { responseIsEnabled: false, removeAcceptEncoding: null, library: null };
  }
  const { responseDirectionConfig: response, compressorLibrary: named } = choice.value;
  const overrides = context.at('overrides');
  const library =
    named === undefined ? null : compileLibrary<CodingLibrary>(named, SLOT, overrides);
  if (named !== undefined && library === null) return null;
  return {
    // As in Envoy its presence switches compression on.
    responseIsEnabled: response === undefined ? null : true,
    removeAcceptEncoding: response?.removeAcceptEncodingHeader ?? null,
    library,
  };
}

function override(own: CompressorConfig, overrides: RouteOverrides): CompressorConfig {
  const { responseIsEnabled, removeAcceptEncoding, library } = overrides;
  const { response } = own;
  return Object.freeze({
    ...own,
    library: library ?? own.library,
    response: {
      ...response,
      enabled: responseIsEnabled === null ? response.enabled : { value: responseIsEnabled },
      removeAcceptEncoding: removeAcceptEncoding ?? response.removeAcceptEncoding,
    },
  });
}
