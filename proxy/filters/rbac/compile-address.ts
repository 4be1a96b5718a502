// Conditions on addresses and ports, as messages have them.
import type { CidrRange } from '../../api/gen/envoy/config/core/v3/address_pb.js';
import type { Int32Range } from '../../api/gen/envoy/type/v3/range_pb.js';
import { parseIp } from '../../base/ip-address.ts';
import { IpPrefix } from '../../base/ip-prefix.ts';
import type { CompileContext } from '../../model/extension.ts';
import { AddressPredicate, type AddressRole, PortPredicate } from './connection-predicates.ts';
import type { RbacPredicate } from './rbac-subject.ts';

/** As Envoy: one more than there are. */
const MAX_PORT = 65_536;

/** A CidrRange as a network; null and a rejection when it holds no address. */
export function compileNetwork(
  { addressPrefix, prefixLen = 0 }: CidrRange,
  context: CompileContext,
): IpPrefix | null {
  const octets = parseIp(addressPrefix);
  if (octets !== null) return new IpPrefix(octets, prefixLen);
  context.reject('address_prefix', `malformed IP address: ${addressPrefix}`);
  return null;
}

/** A condition on one of a connection's addresses. */
export function compileAddress(
  role: AddressRole,
  range: CidrRange,
  context: CompileContext,
): RbacPredicate | null {
  const network = compileNetwork(range, context);
  return network === null ? null : new AddressPredicate(role, network);
}

/** A condition on the port that a client connected to. */
export function compilePortRange(
  { start, end }: Int32Range,
  context: CompileContext,
): RbacPredicate | null {
  const reason = rangeProblem(start, end);
  if (reason === null) return new PortPredicate(start, end);
  context.reject('', reason);
  return null;
}

function rangeProblem(start: number, end: number): string | null {
  if (start < 0 || start > MAX_PORT) return `range start ${start} is out of bounds`;
  if (end < 0 || end > MAX_PORT) return `range end ${end} is out of bounds`;
  if (start < end) return null;
  return `range start ${start} cannot be greater or equal than range end ${end}`;
}
