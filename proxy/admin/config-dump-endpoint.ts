// /config_dump with its parameters resource, mask, name_regex and include_eds.
import { compileSafeRegex, type SafeRegex } from '../base/safe-regex.ts';
import type { JsonObject } from './backend.ts';
import { configDumps, type Dump, type DumpList, dumpJson, typeUrl } from './config-dump.ts';
import {
  type AdminContext,
  type AdminReply,
  type AdminRequest,
  type Endpoint,
  jsonReply,
  textReply,
} from './endpoint.ts';
import { applyFieldMask } from './field-mask.ts';

/** The configuration in use, as messages. */
export const CONFIG_DUMP_ENDPOINT: Endpoint = {
  path: '/config_dump',
  help: 'dump current Envoy configs',
  params: [
    { id: 'resource', help: 'The resource to dump', options: [] },
    {
      id: 'mask',
      help: 'The mask to apply. When both resource and mask are specified, the mask is applied to every element in the desired repeated field so that only a subset of fields are returned. The mask is parsed as a Protobuf::FieldMask',
      options: [],
    },
    {
      id: 'name_regex',
      help: 'Dump only the currently loaded configurations whose names match the specified regex. Can be used with both resource and mask query parameters.',
      options: [],
    },
    {
      id: 'include_eds',
      help: 'Dump currently loaded configuration including EDS. See the response definition for more information',
      options: null,
    },
  ],
  mutates: false,
  handle: handleConfigDump,
};

/** What /config_dump sends with errors: without a charset, unlike the other endpoints. */
const PLAIN = 'text/plain';

async function handleConfigDump(
  request: AdminRequest,
  { backend }: AdminContext,
): Promise<AdminReply> {
  const { params } = request;
  const pattern = params.get('name_regex') ?? '';
  const regex = pattern === '' ? null : compileSafeRegex(pattern);
  if (regex !== null && 'error' in regex) {
    const reason = `Error while parsing name_regex from ${pattern}: ${regex.error}`;
    return plainReply(`INVALID_ARGUMENT: ${reason}`, 400);
  }
  const endpoints = params.has('include_eds') ? await backend.endpoints() : null;
  const all = configDumps(backend.configDump(), endpoints);
  const dumps = regex === null ? all : all.map((dump) => onlyNamed(dump, regex));
  const mask = params.get('mask') ?? '';
  const resource = params.get('resource') ?? '';
  return resource === '' ? wholeDumps(dumps, mask) : oneList(dumps, resource, mask);
}

function onlyNamed(dump: Dump, regex: SafeRegex): Dump {
  const lists = dump.lists.map((list) => ({
    ...list,
    elements: list.elements.filter((element) => regex.matches(element.name)),
  }));
  return { ...dump, lists };
}

function wholeDumps(dumps: readonly Dump[], mask: string): AdminReply {
  const configs = dumps.map(dumpJson);
  if (mask === '') return jsonReply({ configs });
  const masked = masks(configs, mask);
  if (masked.length === 0) {
    return plainReply(`FieldMask ${mask} could not be successfully applied to any configs.`, 400);
  }
  return jsonReply({ configs: masked });
}

function oneList(dumps: readonly Dump[], resource: string, mask: string): AdminReply {
  for (const dump of dumps) {
    const list = dump.lists.find((candidate) => candidate.field === resource);
    if (list !== undefined) return listReply(dump, list, mask);
    if (resource in dump.fields || isSingleField(dump, resource)) {
      const hint = `Use ?mask=${resource} to get only this field`;
      return plainReply(`${resource} is not a repeated field. ${hint}`, 400);
    }
  }
  return plainReply(`${resource} not found in config dump`, 404);
}

function isSingleField(dump: Dump, field: string): boolean {
  return dump.type === 'BootstrapConfigDump' && field === 'bootstrap';
}

function listReply(dump: Dump, list: DumpList, mask: string): AdminReply {
  const configs = list.elements.map(
    (element): JsonObject => ({
      '@type': typeUrl(`${dump.type}.${list.elementType}`),
      ...element.json,
    }),
  );
  const printed = mask === '' ? configs : masks(configs, mask);
  if (printed.length === 0 && configs.length > 0) {
    return plainReply(`FieldMask ${mask} could not be successfully used.`, 400);
  }
  return jsonReply(printed.length === 0 ? {} : { configs: printed });
}

function masks(configs: readonly JsonObject[], mask: string): readonly JsonObject[] {
  const paths = mask.split(',');
  return configs.map((config) => applyFieldMask(config, paths)).filter((config) => config !== null);
}

function plainReply(body: string, status: number): AdminReply {
  return { ...textReply(body, status), contentType: PLAIN };
}
