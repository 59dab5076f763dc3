import 'reflect-metadata';
import type { PayloadType } from '../payload/deserializer.js';

/** What a decorator left on a class or method, before values are resolved. */
export interface Declaration<O> {
  readonly methodName: string;
  readonly options: O;
}

/**
 * A decorator that only records its options, for classes (standing for their method `classMethod`) and for methods.
 * It may be repeated; a subclass inherits what its base class declares unless it declares its own.
 */
export function declare<O extends { readonly payloadType?: PayloadType }>(
  key: string,
  options: O,
  classMethod: string | undefined,
  parameterType: PayloadType | undefined = options.payloadType,
) {
  return (target: object, propertyKey?: string | symbol, descriptor?: PropertyDescriptor): void => {
    const methodName = propertyKey === undefined ? classMethod : String(propertyKey);
    if (methodName === undefined) throw new TypeError(`@${key} belongs on a method.`);
    const holder: object = descriptor === undefined ? target : (descriptor.value as object);
    const earlier: Declaration<O>[] = Reflect.getOwnMetadata(key, holder) ?? [];
    Reflect.defineMetadata(key, [{ methodName, options }, ...earlier], holder);
    if (parameterType === undefined) return;
    // Pipes learn a parameter's type from the compiler's metadata, which exists only for decorated methods.
    const prototype = descriptor === undefined ? (target as { prototype: object }).prototype : target;
    if (!Reflect.hasMetadata(PARAM_TYPES, prototype, methodName)) {
      Reflect.defineMetadata(PARAM_TYPES, [parameterType, Object], prototype, methodName);
    }
  };
}

/** Declarations on a class or on a method's function. */
export const declarationsOf = <O>(key: string, holder: object): readonly Declaration<O>[] =>
  Reflect.getMetadata(key, holder) ?? [];

/** What TypeScript's `emitDecoratorMetadata` writes. */
export const PARAM_TYPES = 'design:paramtypes';
