export { type ClientInstance } from './instance.js';
