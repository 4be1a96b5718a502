// VirtualHost.matcher: a tree whose actions are routes.
import type { Message } from '@bufbuild/protobuf';
import {
  type Route,
  type RouteList,
  RouteListSchema,
  RouteSchema,
  type VirtualHost,
} from '../../api/gen/envoy/config/route/v3/route_components_pb.js';
import type { CompileContext } from '../../model/extension.ts';
import type { MatchTreeConfig } from '../../model/match-tree.ts';
import type { RouteChoice, RouteConfig } from '../../model/route.ts';
import { compileEach } from './compile-each.ts';
import { ROUTE_INPUTS } from './match-input.ts';
import { compileMatchTree } from './match-tree.ts';

/** Compiles one route. */
export type RouteCompiler = (route: Route, context: CompileContext) => RouteConfig | null;

/** The compiled matcher of a virtual host; null: it has none, or one that was refused. */
export function compileRouteMatchTree(
  { matcher, routes }: VirtualHost,
  compileRoute: RouteCompiler,
  context: CompileContext,
): MatchTreeConfig<RouteChoice> | null {
  if (matcher === undefined) return null;
  if (routes.length > 0) {
    const reason = 'cannot set both matcher and routes on virtual host';
    context.reject('matcher', `${reason}: move the routes into the matcher as its actions`);
  }
  const compileAction = (action: Message, at: CompileContext) =>
    compileRouteAction(action, compileRoute, at);
  const kind = { compileAction, inputs: ROUTE_INPUTS, refusal };
  return compileMatchTree(matcher, kind, context.at('matcher'));
}

function refusal(typeUrl: string): string {
  return `Route table can only match on request headers, saw ${typeUrl}`;
}

function compileRouteAction(
  action: Message,
  compileRoute: RouteCompiler,
  context: CompileContext,
): RouteChoice | null {
  switch (action.$typeName) {
    case RouteSchema.typeName: {
      const route = compileRoute(action as Route, context);
      return route === null ? null : { routes: [route] };
    }
    case RouteListSchema.typeName: {
      const field = { path: 'routes', items: (action as RouteList).routes };
      return { routes: compileEach(field, context, compileRoute) };
    }
    default: {
      const missing = `Didn't find a registered implementation for a route action with type URL: '${action.$typeName}'`;
      context.reject('', `${missing}: use ${RouteSchema.typeName} or ${RouteListSchema.typeName}`);
      return null;
    }
  }
}
