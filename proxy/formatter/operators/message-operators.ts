// Operators that read the two messages: fields, path, query and gRPC status.

import type { HeaderList } from '../../http/header-list.ts';
import { HEADER_ID, headerId } from '../../http/header-names.ts';
import type { RequestHead } from '../../http/message.ts';
import type { FormatContext } from '../formatter.ts';
import { GRPC_STATUS_NAMES, grpcStatusOf, isGrpcRequest } from '../grpc-status.ts';
import {
  bare,
  type Operator,
  type OperatorArguments,
  type OperatorDefinition,
  type OperatorTable,
} from '../operator.ts';

type Field = (context: FormatContext) => string | null;
const ORIGINAL_PATH = HEADER_ID['x-envoy-original-path'];

/** Operators over request and response heads and trailers. */
export const MESSAGE_OPERATORS: OperatorTable = {
  REQ: fieldOperator(requestField),
  REQUEST_HEADER: fieldOperator(requestField),
  RESP: fieldOperator(responseField),
  RESPONSE_HEADER: fieldOperator(responseField),
  TRAILER: fieldOperator(trailerField),
  RESPONSE_TRAILER: fieldOperator(trailerField),
  PATH: { syntax: 'optional', takesLength: true, make: makePath },
  QUERY_PARAM: { syntax: 'required', takesLength: true, make: makeQueryParam },
  QUERY_PARAMS: { syntax: 'optional', takesLength: true, make: makeQueryParams },
  GRPC_STATUS: { syntax: 'optional', takesLength: false, make: makeGrpcStatus },
  GRPC_STATUS_NUMBER: bare((context) => (isGrpcRequest(context) ? grpcStatusOf(context) : null)),
  STREAM_ID: bare(({ request }) => request?.headers.get(HEADER_ID['x-request-id']) ?? null),
};

/** envoy.formatter.req_without_query */
export const REQ_WITHOUT_QUERY_OPERATORS: OperatorTable = {
  REQ_WITHOUT_QUERY: {
    syntax: 'optional',
    takesLength: true,
    make: (args) => {
      const read = makeField(args, requestField);
      if ('error' in read) return read;
      return (context) => withoutQuery(read(context));
    },
  },
};

/** `X?Y`: the first of two fields that is present. */
function fieldOperator(field: (name: string) => Field): OperatorDefinition {
  return {
    syntax: 'required',
    takesLength: true,
    make: (args) => makeField(args, field),
  };
}

function makeField(
  { argument }: OperatorArguments,
  field: (name: string) => Field,
): Field | { readonly error: string } {
  if (/[\x00\r\n\s]/.test(argument)) {
    return { error: 'Invalid header configuration. Format string contains invalid characters.' };
  }
  const [main = '', alternative = '', ...more] = argument.toLowerCase().split('?');
  if (more.length > 0) {
    return { error: `More than 1 alternative header specified in token: ${argument}` };
  }
  const first = field(main);
  if (alternative === '') return first;
  const second = field(alternative);
  return (context) => first(context) ?? second(context);
}

function withoutQuery(path: string | null): string | null {
  const mark = path === null ? -1 : path.indexOf('?');
  return path === null || mark === -1 ? path : path.slice(0, mark);
}

function requestField(name: string): Field {
  switch (name) {
    case ':method':
      return ({ request }) => request?.method ?? null;
    case ':path':
      return ({ request }) => present(request?.path);
    case ':authority':
    case 'host':
      return ({ request }) => present(request?.authority);
    case ':scheme':
      return ({ request }) => present(request?.scheme);
    default: {
      const read = listField(name);
      return ({ request }) => (request === null ? null : read(request.headers));
    }
  }
}

function responseField(name: string): Field {
  if (name === ':status')
    return ({ response }) => (response === null ? null : `${response.status}`);
  const read = listField(name);
  return ({ response }) => (response === null ? null : read(response.headers));
}

function trailerField(name: string): Field {
  const read = listField(name);
  return ({ responseTrailers }) => (responseTrailers === null ? null : read(responseTrailers));
}

function listField(name: string): (list: HeaderList) => string | null {
  const id = headerId(name);
  return id === 0 ? (list) => list.getByName(name) : (list) => list.get(id);
}

function present(text: string | undefined): string | null {
  return text === undefined || text === '' ? null : text;
}

/** `PATH(WQ|NQ:ORIG|PATH|ORIG_OR_PATH)`: with or without query, before or after rewriting. */
function makePath({ argument }: OperatorArguments): Operator | { readonly error: string } {
  const [query = '', source = ''] = argument.split(':');
  if (query !== '' && query !== 'WQ' && query !== 'NQ') {
    return { error: `Invalid PATH option: '${query}', only 'WQ'/'NQ' are allowed` };
  }
  const read = pathSource(source);
  if (read === null) {
    return {
      error: `Invalid PATH option: '${source}', only 'ORIG'/'PATH'/'ORIG_OR_PATH' are allowed`,
    };
  }
  if (query !== 'NQ') return ({ request }) => (request === null ? null : read(request));
  return ({ request }) => (request === null ? null : withoutQuery(read(request)));
}

function pathSource(source: string): ((request: RequestHead) => string | null) | null {
  switch (source) {
    case 'ORIG':
      return (request) => request.headers.get(ORIGINAL_PATH);
    case 'PATH':
      return (request) => present(request.path);
    case '':
    case 'ORIG_OR_PATH':
      return (request) => request.headers.get(ORIGINAL_PATH) ?? present(request.path);
    default:
      return null;
  }
}

function queryOf(context: FormatContext): string | null {
  const path = context.request?.path ?? '';
  const mark = path.indexOf('?');
  return mark === -1 ? null : path.slice(mark + 1);
}

/** First parameter of that name, percent-decoded. */
function makeQueryParam({ argument }: OperatorArguments): Operator {
  return (context) => {
    for (const pair of queryOf(context)?.split('&') ?? []) {
      const equals = pair.indexOf('=');
      const name = equals === -1 ? pair : pair.slice(0, equals);
      if (percentDecode(name) !== argument) continue;
      return equals === -1 ? '' : percentDecode(pair.slice(equals + 1));
    }
    return null;
  };
}

/** The whole query; DECODED decodes what is printable, so that `&` and `=` keep their meaning. */
function makeQueryParams({ argument }: OperatorArguments): Operator | { readonly error: string } {
  if (argument === '' || argument === 'ORIG') return queryOf;
  if (argument === 'DECODED') {
    return (context) => queryOf(context)?.replace(/%([0-9a-f]{2})?/gi, decodeHarmless) ?? null;
  }
  return { error: `Invalid QUERY_PARAMS option: '${argument}', only 'ORIG'/'DECODED' are allowed` };
}

function percentDecode(text: string): string {
  return text.includes('%') ? text.replace(/%([0-9a-f]{2})/gi, decodeTriplet) : text;
}

function decodeTriplet(_whole: string, digits: string): string {
  return String.fromCharCode(Number.parseInt(digits, 16));
}

/** Envoy leaves these escaped, and drops a percent sign of no escape. */
const NOT_DECODED = /[^!-~]|["<>\\^{|}]/;

function decodeHarmless(whole: string, digits: string | undefined): string {
  if (digits === undefined) return '';
  const decoded = decodeTriplet(whole, digits);
  return NOT_DECODED.test(decoded) ? whole : decoded;
}

function makeGrpcStatus({ argument }: OperatorArguments): Operator | { readonly error: string } {
  if (!['', 'CAMEL_STRING', 'SNAKE_STRING', 'NUMBER'].includes(argument)) {
    return {
      error: `GrpcStatusFormatter only supports CAMEL_STRING, SNAKE_STRING or NUMBER. Got: ${argument}`,
    };
  }
  const column = argument === 'SNAKE_STRING' ? 1 : 0;
  return (context) => {
    const status = isGrpcRequest(context) ? grpcStatusOf(context) : null;
    if (status === null || argument === 'NUMBER') return status;
    return GRPC_STATUS_NAMES[status]?.[column] ?? `${status}`;
  };
}
