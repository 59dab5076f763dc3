#!/usr/bin/env node
// Present before the first build, so that npm links it at install time.
import '../dist/bundle/bin.js';
