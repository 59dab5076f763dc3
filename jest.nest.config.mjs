// The end-to-end tests of @rocketnest/nestjs on a chosen Nest, module format and broker. Run by scripts/nest.mjs.
import base from './jest.config.mjs';

const { ROCKETNEST_TEST_NEST: nest, ROCKETNEST_TEST_FORMAT: format, ROCKETNEST_TEST_NAMESRV: namesrv } = process.env;
if (nest === undefined || format === undefined) {
  throw new Error('The Nest and the format are chosen by: npm run test:nest -- --nest 11 --format cjs FILE');
}

const [transformer, options] = base.transform['^.+\\.ts$'];
const commonJs = {
  extensionsToTreatAsEsm: [],
  transform: { '^.+\\.ts$': [transformer, { ...options, module: { type: 'commonjs' } }] },
};
const nest11 = { '^(@nestjs/.+|reflect-metadata|rxjs|rxjs/.+)$': '<rootDir>/.cache/nest11/node_modules/$1' };

// The testing entry brings its own broker.
const onGivenServers = {
  testMatch: ['<rootDir>/packages/nestjs/test/e2e/**/*.test.ts'],
  testTimeout: 90_000,
  setupFilesAfterEnv: ['<rootDir>/test/interop/setup.mjs'],
  reporters: ['default', '<rootDir>/test/support/skipped-reporter.mjs'],
};

export default {
  ...base,
  roots: ['<rootDir>/packages/nestjs'],
  testMatch: ['<rootDir>/packages/nestjs/test/{e2e,testing}/**/*.test.ts'],
  ...(format === 'cjs' && commonJs),
  moduleNameMapper: { ...base.moduleNameMapper, ...(nest === '11' && nest11) },
  ...(namesrv !== undefined && onGivenServers),
};
