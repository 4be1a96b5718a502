// Generates proxy/api/gen from the Envoy v3 protos that @grpc/grpc-js-xds ships, offline.
//
// protoc-gen-es writes one module per proto file; loading all of them costs 0.4 s and 60 MB. So
// only its types and its list of exports are kept: the descriptors go, stripped of the options
// nothing reads, into one binary file, and proxy/api/descriptor-loader.ts decodes from it what is
// asked for. The result is cached by a hash of everything that goes in.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { PATCHES } from './api-patches.mjs';

/** What makes other output of the same protos. */
const PATCH_FILES = [
  'api-patches.mjs',
  'rate-limit-patches.mjs',
  'route-patches.mjs',
  'tls-patches.mjs',
];

const root = fileURLToPath(new URL('..', import.meta.url));
const genDir = path.join(root, 'proxy/api/gen');
const ownProtos = path.join(root, 'proxy/api/protos');
const stageDir = path.join(os.tmpdir(), `outrigger-api-${process.pid}`);
const stampFile = path.join(genDir, '.stamp');

/** Where protos come from; a later source replaces a file of the same name from an earlier one. */
const SOURCES = [
  'node_modules/@grpc/grpc-js-xds/deps/envoy-api',
  'node_modules/@grpc/grpc-js-xds/deps/xds',
  'node_modules/@grpc/grpc-js-xds/deps/googleapis',
  'node_modules/@grpc/grpc-js-xds/deps/protoc-gen-validate',
  'proxy/api/protos',
];

/** Every file matching this is generated, together with all it imports. */
const ROOTS =
  /^(envoy\/.*\/v3\/|xds\/(core|data|type)\/|xds\/service\/orca\/|udpa\/type\/|validate\/|udpa\/annotations\/(sensitive|status)|envoy\/annotations\/)/;

/** Left out: they import protos that the package lacks, and nothing here speaks these services. */
const SKIPPED = [
  'envoy/service/metrics/v3/metrics_service.proto',
  'envoy/service/trace/v3/trace_service.proto',
];

/** Options kept in the descriptors: field number of the extension, by kind of option message. */
const KEPT_OPTIONS = {
  // validate.rules, udpa.annotations.sensitive, envoy.annotations.disallowed_by_default,
  // envoy.annotations.deprecated_at_minor_version
  field: new Set([1071, 76569463, 189503207, 157299826]),
  message: new Set([1071, 1072]), // validate.disabled, validate.ignored
  oneof: new Set([1071]), // validate.required
  enumValue: new Set([70100853, 181198657]), // envoy.annotations: the same two for enum values
};

export async function generateApi(log = console.log) {
  const hash = hashInputs();
  if (fs.existsSync(stampFile) && fs.readFileSync(stampFile, 'utf8') === hash) return false;
  log('build: generating proxy/api/gen');
  const started = Date.now();
  const files = stage();
  const buf = path.join(root, 'node_modules/.bin/buf');
  const run = (...args) =>
    execFileSync(buf, args, { cwd: stageDir, stdio: ['ignore', 'inherit', 'inherit'] });
  fs.rmSync(genDir, { recursive: true, force: true });
  const template = JSON.stringify({
    version: 'v2',
    plugins: [
      {
        local: path.join(root, 'node_modules/.bin/protoc-gen-es'),
        out: genDir,
        strategy: 'all',
        opt: ['target=js+dts', 'import_extension=js'],
      },
    ],
  });
  run('build', 'protos', '--as-file-descriptor-set', '--exclude-source-info', '-o', 'image.binpb');
  run('generate', 'protos', '--template', template);
  const count = await writeDescriptors(files);
  for (const name of files) rewriteModule(name);
  fs.rmSync(stageDir, { recursive: true, force: true });
  fs.writeFileSync(stampFile, hash);
  log(`build: ${files.length} proto files, ${count} types in ${Date.now() - started} ms`);
  return true;
}

function hashInputs() {
  const hash = createHash('sha256');
  for (const name of [
    '@grpc/grpc-js-xds',
    '@bufbuild/buf',
    '@bufbuild/protoc-gen-es',
    '@bufbuild/protobuf',
  ]) {
    const manifest = path.join(root, 'node_modules', name, 'package.json');
    hash.update(`${name} ${JSON.parse(fs.readFileSync(manifest, 'utf8')).version}\n`);
  }
  for (const name of ['generate-api.mjs', ...PATCH_FILES]) {
    hash.update(fs.readFileSync(path.join(root, 'build', name)));
  }
  for (const name of listProtos(ownProtos).sort()) {
    hash.update(`${name}\n`).update(fs.readFileSync(path.join(ownProtos, name)));
  }
  return hash.digest('hex');
}

function listProtos(dir) {
  if (!fs.existsSync(dir)) return [];
  return fs
    .readdirSync(dir, { recursive: true })
    .map((name) => name.split(path.sep).join('/'))
    .filter((name) => name.endsWith('.proto'));
}

/** Copies the roots and all they import into one tree; answers the names, imports included. */
function stage() {
  const origin = new Map();
  const own = new Set(listProtos(ownProtos));
  for (const source of SOURCES) {
    for (const name of listProtos(path.join(root, source)))
      origin.set(name, path.join(root, source, name));
  }
  const out = path.join(stageDir, 'protos');
  fs.rmSync(stageDir, { recursive: true, force: true });
  const staged = new Set();
  const queue = [...origin.keys()].filter(
    (name) => (ROOTS.test(name) || own.has(name)) && !SKIPPED.includes(name),
  );
  for (const name of queue) {
    if (staged.has(name) || name.startsWith('google/protobuf/')) continue;
    const from = origin.get(name);
    if (from === undefined) throw new Error(`no source has ${name}`);
    staged.add(name);
    const text = patched(name, fs.readFileSync(from, 'utf8'));
    fs.mkdirSync(path.dirname(path.join(out, name)), { recursive: true });
    fs.writeFileSync(path.join(out, name), text);
    for (const match of text.matchAll(/^import\s+(?:public\s+)?"([^"]+)"/gm)) queue.push(match[1]);
  }
  return [...staged].sort();
}

function patched(name, text) {
  for (const patch of PATCHES) {
    if (patch.file !== name) continue;
    if (!text.includes(patch.after))
      throw new Error(`patch for ${name} no longer fits: ${patch.after}`);
    text = text.replace(patch.after, (found) => patch.replace ?? found + patch.insert);
  }
  return text;
}

/**
 * Writes gen/descriptors.bin (the file descriptors end to end) and gen/descriptors.json: for each
 * file its length, and for each top-level type the index of its file.
 */
async function writeDescriptors(files) {
  const { fromBinary, toBinary } = await import('@bufbuild/protobuf');
  const { FileDescriptorSetSchema, FileDescriptorProtoSchema } = await import(
    '@bufbuild/protobuf/wkt'
  );
  const image = fromBinary(
    FileDescriptorSetSchema,
    fs.readFileSync(path.join(stageDir, 'image.binpb')),
  );
  const definedIn = new Map();
  for (const file of image.file) {
    for (const type of allTypes(file)) definedIn.set(`.${type}`, file.name);
  }
  const byName = new Map(image.file.map((file) => [file.name, file]));
  const index = { files: [], types: {} };
  const chunks = [];
  for (const name of files) {
    const file = byName.get(name);
    strip(file, definedIn);
    const bytes = toBinary(FileDescriptorProtoSchema, file);
    for (const type of [
      ...file.messageType,
      ...file.enumType,
      ...file.service,
      ...file.extension,
    ]) {
      index.types[`${file.package}.${type.name}`] = index.files.length;
    }
    index.files.push([name, bytes.length]);
    chunks.push(bytes);
  }
  fs.writeFileSync(path.join(genDir, 'descriptors.bin'), Buffer.concat(chunks));
  fs.writeFileSync(path.join(genDir, 'descriptors.json'), JSON.stringify(index));
  return Object.keys(index.types).length;
}

function* allTypes(file) {
  const nested = function* (prefix, message) {
    const name = `${prefix}.${message.name}`;
    yield name;
    for (const type of message.enumType) yield `${name}.${type.name}`;
    for (const type of message.nestedType) yield* nested(name, type);
  };
  for (const type of file.enumType) yield `${file.package}.${type.name}`;
  for (const type of file.messageType) yield* nested(file.package, type);
}

/** Drops options nothing reads, default JSON names and imports that only options needed. */
function strip(file, definedIn) {
  const used = new Set();
  const uses = (typeName) => typeName && used.add(definedIn.get(typeName));
  const enumeration = (type) => {
    type.options = undefined;
    for (const value of type.value) value.options = kept(value.options, KEPT_OPTIONS.enumValue);
  };
  const field = (it) => {
    uses(it.typeName);
    uses(it.extendee);
    it.options = kept(it.options, KEPT_OPTIONS.field);
    if (it.jsonName === camelCase(it.name)) it.jsonName = '';
  };
  const message = (type) => {
    type.options = kept(type.options, KEPT_OPTIONS.message);
    for (const oneof of type.oneofDecl) oneof.options = kept(oneof.options, KEPT_OPTIONS.oneof);
    type.field.forEach(field);
    type.extension.forEach(field);
    type.enumType.forEach(enumeration);
    type.nestedType.forEach(message);
  };
  file.options = undefined;
  file.messageType.forEach(message);
  file.enumType.forEach(enumeration);
  file.extension.forEach(field);
  for (const service of file.service) {
    service.options = undefined;
    for (const method of service.method) {
      method.options = undefined;
      uses(method.inputType);
      uses(method.outputType);
    }
  }
  // Named by use: that also resolves what is reached through a public import.
  used.delete(file.name);
  file.dependency = [...used];
  file.publicDependency = [];
  file.weakDependency = [];
}

function kept(options, numbers) {
  if (options === undefined) return undefined;
  options.$unknown = options.$unknown?.filter((it) => numbers.has(it.no));
  const plain = options.deprecated || options.mapEntry || Object.hasOwn(options, 'packed');
  return options.$unknown?.length > 0 || plain ? options : undefined;
}

/** The JSON name that protobuf gives a field by default. */
function camelCase(name) {
  return name.replace(/_+([a-zA-Z0-9])/g, (_, letter) => letter.toUpperCase());
}

/** Replaces the embedded descriptor of a generated module by a look-up in the loader. */
function rewriteModule(name) {
  const file = path.join(genDir, name.replace(/\.proto$/, '_pb.js'));
  const up = '../'.repeat(name.split('/').length);
  const lines = fs.readFileSync(file, 'utf8').split('\n');
  const names = new Set();
  const out = [];
  for (const line of lines) {
    if (
      line.startsWith('import ') ||
      /^\s*(\/\*\*|\*)/.test(line) ||
      line.startsWith('//') ||
      line.startsWith('/*')
    )
      continue;
    const replaced = line
      .replace(/^\s*fileDesc\(.*\);$/, `  fileOf(${JSON.stringify(name)});`)
      .replaceAll('/*@__PURE__*/', '');
    for (const match of replaced.matchAll(
      /\b(fileOf|messageDesc|enumDesc|extDesc|serviceDesc|tsEnum)\(/g,
    ))
      names.add(match[1]);
    if (replaced !== '' || out.at(-1) !== '') out.push(replaced);
  }
  const head = [
    `// Generated from ${name}.`,
    `import { ${[...names].sort().join(', ')} } from '${up}descriptor-loader.js';`,
  ];
  fs.writeFileSync(file, [...head, ...out].join('\n'));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (!(await generateApi())) console.log('build: proxy/api/gen is up to date');
}
