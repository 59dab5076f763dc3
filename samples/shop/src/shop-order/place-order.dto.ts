import { randomUUID } from 'node:crypto';
import { Transform, Type } from 'class-transformer';
import { IsBoolean, IsInt, IsNotEmpty, IsUUID, Min } from 'class-validator';

export class PlaceOrder {
  /** Chosen by the customer, so that a repeated request is not a second order. */
  @IsUUID() orderId: string = randomUUID();
  @IsInt() @Type(() => Number) pid!: number;
  @IsInt() @Min(1) @Type(() => Number) number: number = 1;
  @IsNotEmpty() customer: string = 'ada';
  /** Paid later, by invoice: nobody waits for the payment. */
  @IsBoolean() @Transform(({ value }) => value === true || value === 'true') onAccount: boolean = false;
}
