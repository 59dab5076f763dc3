import base from '../../jest.config.mjs';

/** Run by scripts/conformance.mjs, which starts the servers first. */
export default {
  ...base,
  rootDir: '../..',
  roots: ['<rootDir>/test/conformance'],
  testPathIgnorePatterns: ['/node_modules/'],
  testTimeout: 90_000,
  maxWorkers: 2,
  setupFilesAfterEnv: ['<rootDir>/test/interop/setup.mjs'],
};
