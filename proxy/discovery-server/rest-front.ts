// A discovery server for clients that poll: DiscoveryRequests in JSON, by POST, one path per type.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { create, fromJson, type JsonValue, toJson } from '@bufbuild/protobuf';
import {
  type DiscoveryRequest,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
} from '../api/gen/envoy/service/discovery/v3/discovery_pb.js';
import { apiRegistry } from '../api/registry.ts';
import { ALL_NAMES } from '../xds/discovery.ts';
import { resourceType, TYPE_URLS } from '../xds/resource-types.ts';
import type { DiscoveryServer } from './discovery-server.ts';
import { asContent } from './resource-wrapper.ts';
import { NO_RESOURCES, versionOf } from './snapshot.ts';

/** A front that listens. */
export interface RestFront {
  readonly port: number;
  close(): Promise<void>;
}

const MAX_REQUEST_BYTES = 16_777_216;

const TYPES_BY_PATH: ReadonlyMap<string, string> = new Map(
  Object.values(TYPE_URLS)
    .map((typeUrl) => [resourceType(typeUrl).restPath, typeUrl] as const)
    .filter(([path]) => path !== ''),
);

/** What is answered. */
type Answer = { readonly status: number; readonly body: string };

/** Begins to listen; rejects when that is not possible. */
export async function openRestFront(
  server: DiscoveryServer,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<RestFront> {
  const listener = createServer((request, response) => void serve(server, request, response));
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(port, host, resolve);
  });
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      listener.close(() => resolve());
      listener.closeAllConnections();
    });
  return { port: (listener.address() as AddressInfo).port, close };
}

async function serve(
  server: DiscoveryServer,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await bodyOf(request);
  const { status, body: text } = answerTo(server, request, body);
  const isJson = status === 200;
  response.writeHead(status, { 'content-type': isJson ? 'application/json' : 'text/plain' });
  response.end(text);
}

/** null: it is too large, or it was not sent whole. */
async function bodyOf(request: IncomingMessage): Promise<string | null> {
  const parts: Buffer[] = [];
  let length = 0;
  try {
    for await (const part of request as AsyncIterable<Buffer>) {
      length += part.length;
      if (length > MAX_REQUEST_BYTES) return null;
      parts.push(part);
    }
  } catch {
    // The client is gone: nobody reads the answer.
    return null;
  }
  return Buffer.concat(parts).toString('utf8');
}

function answerTo(
  server: DiscoveryServer,
  { method, url = '' }: IncomingMessage,
  body: string | null,
): Answer {
  const typeUrl = TYPES_BY_PATH.get(url.split('?')[0] ?? '');
  if (typeUrl === undefined) {
    return { status: 404, body: `there are: ${[...TYPES_BY_PATH.keys()].join(' ')}\n` };
  }
  if (method !== 'POST') return { status: 405, body: 'a DiscoveryRequest is sent by POST\n' };
  const request = body === null ? null : requestIn(body);
  if (request === null) return { status: 400, body: 'the body is no DiscoveryRequest in JSON\n' };
  return responseTo(server, typeUrl, request);
}

function requestIn(body: string): DiscoveryRequest | null {
  try {
    const json = JSON.parse(body) as JsonValue;
    return fromJson(DiscoveryRequestSchema, json, {
      registry: apiRegistry,
      ignoreUnknownFields: true,
    });
  } catch {
    // Neither library says more than that it does not fit.
    return null;
  }
}

function responseTo(
  server: DiscoveryServer,
  typeUrl: string,
  { node, resourceNames, versionInfo }: DiscoveryRequest,
): Answer {
  const { resources } = server.snapshotOf(node ?? null).get(typeUrl) ?? NO_RESOURCES;
  const isAll = resourceNames.length === 0 || resourceNames.includes(ALL_NAMES);
  const wanted = isAll
    ? [...resources.values()]
    : [...new Set(resourceNames)].flatMap((name) => resources.get(name) ?? []);
  const version = versionOf(wanted);
  if (version === versionInfo) return { status: 304, body: '' };
  const response = create(DiscoveryResponseSchema, {
    ...{ typeUrl, versionInfo: version, nonce: version },
    resources: wanted.map(asContent),
  });
  const json = toJson(DiscoveryResponseSchema, response, { registry: apiRegistry });
  return { status: 200, body: JSON.stringify(json) };
}
