// The request that somebody asks about: a method, a URL and fields, checked for what no client can
// send, so that every answer is about a request that may come.
import { isFieldName, isFieldValue } from '../http/validation.ts';
import type { FieldLine } from './head-snapshot.ts';

/** What is asked about. */
export interface DryRequest {
  readonly method: string;
  readonly scheme: 'http' | 'https';
  /** As in the URL; a `host` field of the request replaces it. */
  readonly authority: string;
  /** The host without brackets and port. */
  readonly host: string;
  /** From the URL, or the scheme's. */
  readonly port: number;
  /** Origin-form with its query; '' for CONNECT. */
  readonly path: string;
  /** Lower-case names, without `host`. */
  readonly fields: readonly FieldLine[];
  readonly protocol: 'HTTP/1.1' | 'HTTP/2';
  /** Numeric address of the client. */
  readonly clientIp: string;
  /** '' to choose by the URL. */
  readonly listener: string;
  /** 0 to 2^32 - 1: decides every choice by chance. */
  readonly random: number;
  /** How the upstream answers. */
  readonly upstream: UpstreamAnswer;
}

/** The answer that stands for the upstream's. */
export interface UpstreamAnswer {
  readonly status: number;
  readonly fields: readonly FieldLine[];
}

/** What people say about a request; everything but method and URL may be left out. */
export interface RequestWords {
  readonly method: string;
  readonly url: string;
  /** `name: value` each. */
  readonly headers?: readonly string[];
  readonly listener?: string;
  readonly protocol?: DryRequest['protocol'];
  readonly clientIp?: string;
  readonly random?: number;
  readonly upstream?: UpstreamAnswer;
}

/** A request, or every reason why there is none. */
export type ReadRequest =
  | { readonly ok: true; readonly request: DryRequest }
  | { readonly ok: false; readonly errors: readonly string[] };

const URL_PARTS = /^(?:(https?):\/\/)?([^/?#\s]+)([/?][^\s]*)?$/i;
const AUTHORITY = /^(?:\[([0-9a-f:.]+)\]|([^:@[\]]+))(?::(\d{1,5}))?$/i;
const NOT_IN_URLS = /[^\x21-\x7e]/;
const MAX_PORT = 65_535;
const ANSWER: UpstreamAnswer = Object.freeze({ status: 200, fields: [] });

interface Target extends Pick<DryRequest, 'scheme' | 'authority' | 'host' | 'port' | 'path'> {}

/** Checks what people say. */
export function readRequest(words: RequestWords): ReadRequest {
  const errors: string[] = [];
  if (!isFieldName(words.method)) errors.push(`'${words.method}' is no method such as GET or POST`);
  const target = readUrl(words, errors);
  const fields = (words.headers ?? []).flatMap((text) => readField(text, errors));
  if (target === null || errors.length > 0) return { ok: false, errors };
  const host = fields.find(({ name }) => name === 'host');
  const request: DryRequest = {
    method: words.method,
    ...target,
    authority: host?.value ?? target.authority,
    fields: fields.filter(({ name }) => name !== 'host'),
    protocol: words.protocol ?? 'HTTP/1.1',
    clientIp: words.clientIp ?? '127.0.0.1',
    listener: words.listener ?? '',
    random: words.random ?? 0,
    upstream: words.upstream ?? ANSWER,
  };
  return { ok: true, request };
}

/** `name: value` of a command line or a query. */
export function readField(text: string, errors: string[]): readonly FieldLine[] {
  const colon = text.indexOf(':');
  const name = text.slice(0, Math.max(colon, 0)).trim().toLowerCase();
  const value = Buffer.from(text.slice(colon + 1).trim(), 'utf8').toString('latin1');
  if (colon > 0 && isFieldName(name) && isFieldValue(value)) return [{ name, value }];
  errors.push(`'${text}' is no header: write 'name: value'`);
  return [];
}

function readUrl({ method, url }: RequestWords, errors: string[]): Target | null {
  if (NOT_IN_URLS.test(url)) {
    errors.push(`'${url}' holds a character that no URL may hold: write it as %XX`);
    return null;
  }
  const parts = URL_PARTS.exec(url);
  const authority = parts?.[2] ?? '';
  const named = AUTHORITY.exec(authority);
  if (parts === null || named === null || Number(named[3] ?? 0) > MAX_PORT) {
    errors.push(`'${url}' is no URL: write http://host/path or https://host:port/path`);
    return null;
  }
  const scheme = parts[1]?.toLowerCase() === 'https' ? 'https' : 'http';
  const ownPort = scheme === 'https' ? 443 : 80;
  const rest = parts[3] ?? '/';
  return {
    scheme,
    authority,
    host: (named[1] ?? named[2] ?? '').toLowerCase(),
    port: named[3] === undefined ? ownPort : Number(named[3]),
    path: pathOf(method, rest),
  };
}

/** RFC 9112 §3.2: CONNECT has no path; a query without a path stands behind `/`. */
function pathOf(method: string, rest: string): string {
  if (method === 'CONNECT') return '';
  return rest.startsWith('?') ? `/${rest}` : rest;
}
