// ClusterLoadAssignment.Policy.drop_overloads: a share of the traffic that is refused at once.
import type { ClusterLoadAssignment } from '../../api/gen/envoy/config/endpoint/v3/endpoint_pb.js';
import type { DropOverloadConfig } from '../../model/cluster.ts';
import type { CompileContext } from '../../model/extension.ts';
import { runtimeFraction } from './runtime-values.ts';

/** Beyond it Envoy refuses a configuration. */
const MOST_CATEGORIES = 1;

/** null: nothing is refused. */
export function compileDropOverload(
  assignment: ClusterLoadAssignment | undefined,
  context: CompileContext,
  path = 'load_assignment.policy.drop_overloads',
): DropOverloadConfig | null {
  const drops = assignment?.policy?.dropOverloads ?? [];
  if (drops.length > MOST_CATEGORIES) {
    const rule = `drop_overloads config has ${drops.length} categories. Envoy only supports one.`;
    context.reject(path, rule);
  }
  const [drop] = drops;
  if (drop === undefined) return null;
  const share = runtimeFraction(context.environment.runtime, '', drop.dropPercentage);
  if (share.numerator > share.denominator) {
    const ratio = `${share.numerator} of ${share.denominator}`;
    context.reject(path, `drop_overloads config is invalid: ${ratio} is more than all`);
  }
  return share.numerator === 0 ? null : { ...share, category: drop.category };
}
