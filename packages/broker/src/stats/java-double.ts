/** A number as Java prints a double: `2.0`, `0.125`. */
export const javaDouble = (value: number): string => (Number.isInteger(value) ? value.toFixed(1) : String(value));
