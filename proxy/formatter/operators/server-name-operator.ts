// %REQUESTED_SERVER_NAME%: whom the client asked for, by TLS or by HTTP.
import { HEADER_ID } from '../../http/header-names.ts';
import type { RequestHead } from '../../http/message.ts';
import {
  type Operator,
  type OperatorArguments,
  type OperatorDefinition,
  orMissing,
} from '../operator.ts';

type HostReader = (request: RequestHead) => string | null;

const ORIGINAL: HostReader = ({ headers }) => headers.get(HEADER_ID['x-envoy-original-host']);
const CURRENT: HostReader = ({ authority }) => orMissing(authority);

/** Which host: before rewriting, as it is now, or the first of them that there is. */
const HOSTS: Readonly<Record<string, HostReader>> = {
  ORIG: ORIGINAL,
  HOST: CURRENT,
  ORIG_OR_HOST: (request) => ORIGINAL(request) ?? CURRENT(request),
};

/** `(SNI_ONLY|SNI_FIRST|HOST_FIRST : ORIG|HOST|ORIG_OR_HOST)`; the server name only by default. */
export const SERVER_NAME_OPERATOR: OperatorDefinition = {
  syntax: 'optional',
  takesLength: false,
  make: makeServerName,
};

function makeServerName({ argument }: OperatorArguments): Operator | { readonly error: string } {
  const [order = '', which = ''] = argument.split(':');
  const chosen = which === '' ? 'ORIG_OR_HOST' : which;
  const readHost = Object.hasOwn(HOSTS, chosen) ? HOSTS[chosen] : undefined;
  if (!['', 'SNI_ONLY', 'SNI_FIRST', 'HOST_FIRST'].includes(order)) {
    return {
      error: `Invalid REQUESTED_SERVER_NAME option: '${order}', only 'SNI_ONLY'/'SNI_FIRST'/'HOST_FIRST' are allowed`,
    };
  }
  if (readHost === undefined) {
    return {
      error: `Invalid REQUESTED_SERVER_NAME option: '${which}', only 'ORIG_OR_HOST'/'HOST'/'ORIG' are allowed`,
    };
  }
  const sni: Operator = ({ info }) => orMissing(info.downstream.requestedServerName);
  const host: Operator = ({ request }) => (request === null ? null : readHost(request));
  if (order === 'HOST_FIRST') return (context) => host(context) ?? sni(context);
  return order === 'SNI_FIRST' ? (context) => sni(context) ?? host(context) : sni;
}
