// SubstitutionFormatString.formatters: operators beside those that are built in.
import type { TypedExtensionConfig } from '../../api/gen/envoy/config/core/v3/extension_pb.js';
import type { FormatterExtension } from '../../formatter/format-options.ts';
import type { CompileContext } from '../../model/extension.ts';
import { typeIn } from '../schema/open-any.ts';

const PREFIX = 'envoy.extensions.formatter.';

/** By type; `metadata` names operators that Envoy has built in since. */
const EXTENSIONS: Readonly<Record<string, FormatterExtension | null>> = {
  [`${PREFIX}req_without_query.v3.ReqWithoutQuery`]: 'req-without-query',
  [`${PREFIX}metadata.v3.Metadata`]: null,
};

/** What a list of formatters adds to the operators. */
export function compileFormatters(
  formatters: readonly TypedExtensionConfig[],
  context: CompileContext,
): readonly FormatterExtension[] {
  const found = formatters.map(({ name, typedConfig }, index) => {
    const typeName = typeIn(typedConfig);
    if (Object.hasOwn(EXTENSIONS, typeName)) return EXTENSIONS[typeName] ?? null;
    context.reject(`formatters[${index}]`, `Formatter not found: ${name}`);
    return null;
  });
  return found.filter((extension) => extension !== null);
}
