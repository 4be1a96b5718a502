// HttpConnectionManager.forward_client_cert_details and what belongs to it.
import type { Message } from '@bufbuild/protobuf';
import {
  HttpConnectionManager_ForwardClientCertDetails as Details,
  HttpConnectionManager_ForwardClientCertFormat as Format,
  type HttpConnectionManager_ForwardClientCertConfig as ForwardClientCertConfig,
  HttpConnectionManager_ForwardClientCertConfigSchema as ForwardClientCertConfigSchema,
  type HttpConnectionManager,
} from '../../api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import {
  type ClientCertForwarding,
  type ClientCertMode,
  type ClientCertPolicy,
  NO_CLIENT_CERT_DETAILS,
} from '../../model/client-cert.ts';
import type { CompileContext } from '../../model/extension.ts';
import { ROUTE_INPUTS } from './match-input.ts';
import { compileMatchTree, type MatchTreeKind } from './match-tree.ts';

const MODES: Readonly<Record<Details, ClientCertMode>> = {
  [Details.SANITIZE]: 'sanitize',
  [Details.FORWARD_ONLY]: 'forward-only',
  [Details.APPEND_FORWARD]: 'append-forward',
  [Details.SANITIZE_SET]: 'sanitize-set',
  [Details.ALWAYS_FORWARD_ONLY]: 'always-forward-only',
};

const TREE: MatchTreeKind<ClientCertPolicy> = {
  compileAction,
  inputs: ROUTE_INPUTS,
  refusal: (typeUrl) => `forward_client_cert_matcher cannot match on '${typeUrl}'`,
};

/** The policy, and the matcher in front of it; rejections where an action is none. */
export function compileClientCert(
  message: HttpConnectionManager,
  context: CompileContext,
): ClientCertForwarding {
  const { forwardClientCertMatcher: matcher } = message;
  const tree =
    matcher === undefined
      ? null
      : compileMatchTree(matcher, TREE, context.at('forward_client_cert_matcher'));
  return { matcher: tree, policy: compilePolicy(message) };
}

function compileAction(action: Message, context: CompileContext): ClientCertPolicy | null {
  if (action.$typeName === ForwardClientCertConfigSchema.typeName) {
    return compilePolicy(action as ForwardClientCertConfig);
  }
  const missing = `Didn't find a registered implementation for an action with type URL: '${action.$typeName}'`;
  context.reject('', `${missing}: use ${ForwardClientCertConfigSchema.typeName}`);
  return null;
}

/** As Envoy: what would be set is of no interest to modes that set nothing. */
function compilePolicy({
  forwardClientCertDetails: mode,
  setCurrentClientCertDetails: set,
}: Pick<
  ForwardClientCertConfig,
  'forwardClientCertDetails' | 'setCurrentClientCertDetails'
>): ClientCertPolicy {
  if (set === undefined) return { mode: MODES[mode], details: NO_CLIENT_CERT_DETAILS };
  const { cert, chain, uri, dns, issuer } = set;
  const format = set.format === Format.JSON ? 'json' : 'text';
  const details = { cert, chain, subject: set.subject ?? false, uri, dns, issuer } as const;
  return { mode: MODES[mode], details: { ...details, format } };
}
