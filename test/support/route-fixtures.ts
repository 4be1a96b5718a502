// Route tables and requests for tests of routing: configuration as JSON, compiled as in production.
import type { JsonValue } from '@bufbuild/protobuf';
import { RouteConfigurationSchema } from '../../proxy/api/gen/envoy/config/route/v3/route_pb.js';
import { socketAddress } from '../../proxy/base/address.ts';
import { compileRouteTable } from '../../proxy/config/compile/route-table.ts';
import type { FormatContext } from '../../proxy/formatter/formatter.ts';
import { HeaderList } from '../../proxy/http/header-list.ts';
import { RequestHead, ResponseHead } from '../../proxy/http/message.ts';
import { StreamInfo } from '../../proxy/http/stream-info.ts';
import type { RouteTableConfig } from '../../proxy/model/route.ts';
import { buildRouteTable } from '../../proxy/routing/build-route-table.ts';
import type { Route, RouteMatchInput, RouteTable } from '../../proxy/routing/route-table.ts';
import { StatsStore } from '../../proxy/stats/store.ts';
import { compileJson, problemLines } from './compile-json.ts';

/** Members of a message written as JSON. */
export interface Json {
  readonly [field: string]: JsonValue;
}

/** The table of a RouteConfiguration, counting in `stats`; throws when it is refused. */
export function routeTable(json: Json, stats: StatsStore = new StatsStore(null)): RouteTable {
  return buildRouteTable(routeTableConfig(json), { stats, planner: null });
}

/** The compiled RouteConfiguration; throws when it is refused. */
export function routeTableConfig(json: Json): RouteTableConfig {
  const source = { schema: RouteConfigurationSchema, json: { name: 'r', ...json } as JsonValue };
  const { value, rejections } = compileJson(source, (message, context) =>
    compileRouteTable(message, context),
  );
  if (value === null) throw new Error(problemLines(rejections).join('\n'));
  return value;
}

/** A table with one virtual host for all, with these routes. */
export function tableOf(...routes: readonly Json[]): RouteTable {
  return routeTable({ virtual_hosts: [{ name: 'v', domains: ['*'], routes: [...routes] }] });
}

/** A route to the cluster `name`, also its own name. */
export function routeTo(name: string, match: Json, action: Json = {}): Json {
  return { name, match, route: { cluster: name, ...action } };
}

/** What a test says about a request; the rest is GET http://h.test/ without fields. */
export interface RequestOptions {
  readonly method?: string;
  readonly path?: string;
  readonly authority?: string;
  readonly scheme?: string;
  /** Names and values in turn. */
  readonly headers?: readonly string[];
}

/** A request's head. */
export function requestHead(options: RequestOptions = {}): RequestHead {
  const { method = 'GET', path = '/', authority = 'h.test', scheme = 'http' } = options;
  const headers = HeaderList.of(...(options.headers ?? []));
  return new RequestHead('HTTP/1.1', method, { path, authority, scheme }, headers);
}

/** Name of the matched route, `tls-required`, or `none`. */
export function matchedName(table: RouteTable, head: RequestHead, streamRandom = 0): string {
  const lookup = table.match(head, matchInput(streamRandom));
  return lookup.kind === 'route' ? lookup.route.config.name : lookup.kind;
}

/** The matched route; throws when there is none. */
export function matchedRoute(table: RouteTable, head: RequestHead, streamRandom = 0): Route {
  const lookup = table.match(head, matchInput(streamRandom));
  if (lookup.kind !== 'route') throw new Error(`no route: ${lookup.kind}`);
  return lookup.route;
}

/** What a table asks about an exchange besides its head. */
export function matchInput(streamRandom = 0): RouteMatchInput {
  return { streamRandom, info: exchange(requestHead()).info };
}

/** An exchange of these two messages, as header formats read it. */
export function exchange(
  request: RequestHead,
  response: ResponseHead | null = null,
): FormatContext {
  const address = socketAddress('127.0.0.1', 1);
  const connection = {
    ...{ id: 1, directRemoteAddress: address, localAddress: address },
    ...{ remoteAddress: address, directLocalAddress: address, filterState: null },
    ...{ requestedServerName: '', filterChainName: '', tls: null },
  };
  const info = new StreamInfo(connection, 0, 0);
  const unknown = { responseTrailers: null, logType: 'NotSet', localReplyBody: '' } as const;
  return { info, request, response, ...unknown, wallMs: 0 };
}

/** A response's head with these names and values in turn. */
export function responseHead(...headers: readonly string[]): ResponseHead {
  return new ResponseHead(200, HeaderList.of(...headers));
}

/** The fields of a message as `name: value` lines. */
export function fieldLines(headers: HeaderList): string[] {
  const lines: string[] = [];
  for (let index = 0; index < headers.length; index += 1) {
    const name = headers.nameAt(index);
    if (name !== '') lines.push(`${name}: ${headers.valueAt(index)}`);
  }
  return lines;
}
