import { fromJson, type JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { StringMatcherSchema } from '../../../proxy/api/gen/envoy/type/matcher/v3/string_pb.js';
import { compileStringMatcher } from '../../../proxy/config/compile/string-matcher.ts';
import { ProblemSink } from '../../../proxy/config/schema/compile-context.ts';
import { matchesString } from '../../../proxy/model/match-value.ts';
import { testEnvironment } from '../../support/compile-json.ts';

function matches(json: JsonValue, octets: string): boolean {
  const sink = new ProblemSink(testEnvironment());
  const match = compileStringMatcher(fromJson(StringMatcherSchema, json), sink.context());
  if (match === null) throw new Error('refused');
  return matchesString(match, octets);
}

t.test('texts of a configuration match their UTF-8 octets', (t) => {
  t.equal(matches({ exact: 'ü' }, '\xc3\xbc'), true);
  t.equal(matches({ exact: 'ü' }, '\xfc'), false);
  t.equal(matches({ contains: 'Ü', ignoreCase: true }, 'a\xc3\x9cb'), true);
  t.equal(matches({ prefix: '€' }, '\xe2\x82\xac1'), true);
  t.equal(matches({ suffix: 'AB', ignoreCase: true }, 'xab'), true);
  t.end();
});

t.test('regular expressions see characters', (t) => {
  t.equal(matches({ safeRegex: { regex: '.ö' } }, 'x\xc3\xb6'), true);
  t.equal(matches({ safeRegex: { regex: '.ö' } }, 'xx\xc3\xb6'), false);
  t.equal(matches({ safeRegex: { regex: '..' } }, '\xc3\xb6\xc3\xbc'), true);
  t.end();
});
