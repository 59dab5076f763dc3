import { Injectable, NotFoundException } from '@nestjs/common';
import { RocketMQReplyListener } from '@rocketnest/nestjs';
import { Pool } from 'pg';
import { type Contact, ContactQuestion } from '../common/contract.js';

/** Request and reply: answers how a customer is to be reached. What it throws is the asker's error. */
@Injectable()
@RocketMQReplyListener({
  topic: 'contact-topic',
  consumerGroup: 'shop-user-contacts',
  payloadType: ContactQuestion,
})
export class ContactsListener implements RocketMQReplyListener<ContactQuestion, Contact> {
  constructor(private readonly pool: Pool) {}

  async onMessage({ customer }: ContactQuestion): Promise<Contact> {
    const found = await this.pool.query<Contact>('select channel, contact as "to" from customers where name = $1', [
      customer,
    ]);
    if (found.rows[0] === undefined) throw new NotFoundException(`nobody is called ${customer}`);
    return found.rows[0];
  }
}
