// Keeps the requests of a client's session on one host.
import type { DescMessage, Message } from '@bufbuild/protobuf';
import type { TypedExtensionConfig } from '../../api/gen/envoy/config/core/v3/extension_pb.js';
import {
  type StatefulSession,
  type StatefulSessionPerRoute,
  StatefulSessionPerRouteSchema,
  StatefulSessionSchema,
} from '../../api/gen/envoy/extensions/filters/http/stateful_session/v3/stateful_session_pb.js';
import {
  type CookieBasedSessionState,
  CookieBasedSessionStateSchema,
} from '../../api/gen/envoy/extensions/http/stateful_session/cookie/v3/cookie_pb.js';
import {
  type EnvelopeSessionState,
  EnvelopeSessionState_HeaderSchema,
  EnvelopeSessionStateSchema,
} from '../../api/gen/envoy/extensions/http/stateful_session/envelope/v3/envelope_pb.js';
import {
  type HeaderBasedSessionState,
  HeaderBasedSessionStateSchema,
} from '../../api/gen/envoy/extensions/http/stateful_session/header/v3/header_pb.js';
import { CookieAttributeSchema, CookieSchema } from '../../api/gen/envoy/type/http/v3/cookie_pb.js';
import type { Clock } from '../../base/clock.ts';
import { unpack } from '../../config/compile/extension-lookup.ts';
import { typeIn } from '../../config/schema/open-any.ts';
import type { CompileContext } from '../../model/extension.ts';
import type { HttpFilterDefinition } from '../http-filter.ts';
import { CookieSession } from './stateful-session/cookie-session.ts';
import { EnvelopeSession, HeaderSession } from './stateful-session/header-session.ts';
import { SessionFilter, SessionStats } from './stateful-session/session-filter.ts';
import type { SessionState } from './stateful-session/session-state.ts';

const DEFAULT_MISSING_STATUS = 503;

/** Makes a worker's kind of session. */
type MakeState = (clock: Clock) => SessionState;

/** envoy.extensions.filters.http.stateful_session.v3.StatefulSession, complete. */
interface SessionConfig {
  /** null: no request belongs to a session. */
  readonly makeState: MakeState | null;
  readonly isStrict: boolean;
  readonly missingStatus: number;
  /** '' for no statistics. */
  readonly statPrefix: string;
}

/** A route's; null: switched off there. */
interface RouteSession {
  readonly session: SessionConfig | null;
}

/** A kind of session; Envoy finds it by name, and then its configuration must have this type. */
interface SessionKind {
  readonly schema: DescMessage;
  compile(message: Message): MakeState;
}

const KINDS: Readonly<Record<string, SessionKind>> = {
  'envoy.http.stateful_session.cookie': {
    schema: CookieBasedSessionStateSchema,
    compile: (message) => {
      const { cookie } = message as CookieBasedSessionState;
      const { name = '', path = '', ttl, attributes = [] } = cookie ?? {};
      const ttlSeconds = Number(ttl?.seconds ?? 0n);
      const config = { name, path, ttlSeconds, attributes };
      return (clock) => new CookieSession(config, clock);
    },
  },
  'envoy.http.stateful_session.header': {
    schema: HeaderBasedSessionStateSchema,
    compile: (message) => {
      const name = (message as HeaderBasedSessionState).name.toLowerCase();
      return () => new HeaderSession(name);
    },
  },
  'envoy.http.stateful_session.envelope': {
    schema: EnvelopeSessionStateSchema,
    compile: (message) => {
      const name = ((message as EnvelopeSessionState).header?.name ?? '').toLowerCase();
      return () => new EnvelopeSession(name);
    },
  },
};

/** envoy.filters.http.stateful_session */
export const statefulSessionDefinition: HttpFilterDefinition<StatefulSession, SessionConfig> = {
  name: 'envoy.filters.http.stateful_session',
  schema: StatefulSessionSchema,
  isTerminal: false,
  support: {
    [StatefulSessionSchema.typeName]: {
      session_state: { partly: Object.keys(KINDS).join(', ') },
      strict: 'honoured',
      stat_prefix: 'honoured',
      status_on_strict_destination_not_found: 'honoured',
    },
    [CookieBasedSessionStateSchema.typeName]: { cookie: 'honoured' },
    [CookieSchema.typeName]: {
      name: 'honoured',
      ttl: { partly: 'whole seconds' },
      path: 'honoured',
      attributes: 'honoured',
    },
    [CookieAttributeSchema.typeName]: { name: 'honoured', value: 'honoured' },
    [HeaderBasedSessionStateSchema.typeName]: { name: 'honoured' },
    [EnvelopeSessionStateSchema.typeName]: { header: 'honoured' },
    [EnvelopeSessionState_HeaderSchema.typeName]: { name: 'honoured' },
  },
  perRoute: {
    schema: StatefulSessionPerRouteSchema,
    support: {
      [StatefulSessionPerRouteSchema.typeName]: {
        disabled: 'honoured',
        stateful_session: 'honoured',
      },
    },
    compile: (message, context): RouteSession | null => {
      const { override } = message as StatefulSessionPerRoute;
      if (override.case !== 'statefulSession') return { session: null };
      const session = compileSession(override.value, context.at('stateful_session'));
      // As Envoy: routes count nothing.
      return session === null ? null : { session: { ...session, statPrefix: '' } };
    },
  },
  compile: compileSession,
  onRoute: (_own, levels) => (levels[0] as unknown as RouteSession).session,
  factory: ({ makeState, isStrict, missingStatus, statPrefix }, { clock, scope }) => {
    const stats = statPrefix === '' ? null : new SessionStats(scope, statPrefix);
    const runtime = { state: makeState?.(clock) ?? null, isStrict, missingStatus, stats };
    return { create: (callbacks) => new SessionFilter(runtime, callbacks) };
  },
};

function compileSession(message: StatefulSession, context: CompileContext): SessionConfig | null {
  const { sessionState, strict, statPrefix } = message;
  const status = message.statusOnStrictDestinationNotFound;
  const state = context.at('session_state');
  const makeState = sessionState === undefined ? null : compileState(sessionState, state);
  if (sessionState !== undefined && makeState === null) return null;
  if (status !== 0 && (status < 200 || status > 599)) {
    context.reject('status_on_strict_destination_not_found', 'must be a status from 200 to 599');
    return null;
  }
  return Object.freeze({
    makeState,
    isStrict: strict,
    missingStatus: strict && status !== 0 ? status : DEFAULT_MISSING_STATUS,
    statPrefix,
  });
}

function compileState(config: TypedExtensionConfig, context: CompileContext): MakeState | null {
  const { name, typedConfig } = config;
  const kind = Object.hasOwn(KINDS, name) ? KINDS[name] : undefined;
  if (kind === undefined || typedConfig === undefined) {
    const names = Object.keys(KINDS).join(', ');
    const text = `Didn't find a registered implementation for name: '${name}'`;
    context.reject('name', `${text}: session states are found by name, use one of ${names}`);
    return null;
  }
  const typeName = typeIn(typedConfig);
  if (typeName !== kind.schema.typeName) {
    context.reject('typed_config', `${name} takes a ${kind.schema.typeName}, not a ${typeName}`);
    return null;
  }
  const message = unpack(typedConfig, context, 'typed_config');
  return message === null ? null : kind.compile(message);
}
