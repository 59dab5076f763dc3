// The end-to-end tests of @rocketnest/nestjs once more: on Nest 11, everything as CommonJS. scripts/nest11.mjs installs Nest 11.
import base from './jest.config.mjs';

const [transformer, options] = base.transform['^.+\\.ts$'];
const nest11 = '<rootDir>/.cache/nest11/node_modules';

export default {
  ...base,
  roots: ['<rootDir>/packages/nestjs'],
  testMatch: ['<rootDir>/packages/nestjs/test/{e2e,testing}/**/*.test.ts'],
  extensionsToTreatAsEsm: [],
  transform: { '^.+\\.ts$': [transformer, { ...options, module: { type: 'commonjs' } }] },
  moduleNameMapper: {
    ...base.moduleNameMapper,
    '^(@nestjs/.+|reflect-metadata|rxjs|rxjs/.+)$': `${nest11}/$1`,
  },
};
