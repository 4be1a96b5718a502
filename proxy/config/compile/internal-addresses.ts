// Which client addresses count as internal: HttpConnectionManager.internal_address_config.
import type { HttpConnectionManager_InternalAddressConfig as InternalAddressConfig } from '../../api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import { ipVersion } from '../../base/ip-address.ts';
import type { CompileContext } from '../../model/extension.ts';
import { compileEach } from './compile-each.ts';
import { refuseTrue } from './field-values.ts';

const MAX_PREFIX_LENGTH = { 4: 32, 6: 128 } as const;

/** The ranges as `address/bits`; none is internal by default (Envoy since 1.33). */
export function compileInternalCidrs(
  message: InternalAddressConfig | undefined,
  context: CompileContext,
): readonly string[] {
  if (message === undefined) return [];
  refuseTrue(context, 'unix_sockets', message.unixSockets);
  const field = { path: 'cidr_ranges', items: message.cidrRanges };
  return compileEach(field, context, ({ addressPrefix, prefixLen = 0 }, at) => {
    const version = ipVersion(addressPrefix);
    // Envoy takes a prefix that is too long for the whole address.
    if (version !== 0) return `${addressPrefix}/${Math.min(prefixLen, MAX_PREFIX_LENGTH[version])}`;
    const format = '(format is <ip>/<# mask bits>)';
    at.reject('address_prefix', `invalid ip/mask combo '${addressPrefix}/${prefixLen}' ${format}`);
    return null;
  });
}
