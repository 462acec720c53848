-- The invariants of the domain as queries that answer what violates them: no row, no violation. Run over all towns by
-- audit/invariants.py as a role that sees them. A block is introduced by its number and name; each answers the town first.

-- invariant: 1 budgets: used and reserved are the sums over postings, never below zero, never above the limit
SELECT g.municipality_id, g.id AS grant_id, g.used, g.reserved, g.budget_limit, p.used AS posted_used, p.reserved AS posted_reserved
FROM entitlement_grant g
LEFT JOIN (
  SELECT municipality_id, grant_id, sum(used) AS used, sum(reserved) AS reserved FROM posting
  WHERE grant_id IS NOT NULL GROUP BY 1, 2
) p ON p.municipality_id = g.municipality_id AND p.grant_id = g.id
WHERE g.used <> coalesce(p.used, 0) OR g.reserved <> coalesce(p.reserved, 0) OR g.used < 0 OR g.reserved < 0
   OR g.used + g.reserved > g.budget_limit;

-- invariant: 1 allocations: used and reserved are what the current decisions allocate
SELECT g.municipality_id, g.id AS grant_id, g.used, g.reserved, a.used AS allocated_used, a.reserved AS allocated_reserved
FROM entitlement_grant g
LEFT JOIN (
  SELECT s.municipality_id, (a.value->>0)::uuid AS grant_id,
         coalesce(sum((a.value->>4)::bigint) FILTER (WHERE s.outcome IN ('accepted', 'reduced')), 0) AS used,
         coalesce(sum((a.value->>4)::bigint) FILTER (WHERE s.outcome = 'review'), 0) AS reserved
  FROM position_state s
  JOIN decision d ON d.municipality_id = s.municipality_id AND d.id = s.decision_id
  CROSS JOIN LATERAL jsonb_array_elements(d.allocations) a
  WHERE s.outcome IN ('accepted', 'reduced', 'review') GROUP BY 1, 2
) a ON a.municipality_id = g.municipality_id AND a.grant_id = g.id
LEFT JOIN (
  -- Of positions that retention deleted while their grant went on, the postings still tell.
  SELECT p.municipality_id, p.grant_id, sum(p.used) AS used, sum(p.reserved) AS reserved FROM posting p
  WHERE p.grant_id IS NOT NULL
    AND EXISTS (
      SELECT 1 FROM audit_retirement r WHERE r.municipality_id = p.municipality_id AND r.source = 'position'
        AND p.position_id >= r.from_id AND p.position_id < r.to_id
    )
    AND NOT EXISTS (SELECT 1 FROM position_state s WHERE s.municipality_id = p.municipality_id AND s.position_id = p.position_id)
  GROUP BY 1, 2
) r ON r.municipality_id = g.municipality_id AND r.grant_id = g.id
WHERE g.used <> coalesce(a.used, 0) + coalesce(r.used, 0) OR g.reserved <> coalesce(a.reserved, 0) + coalesce(r.reserved, 0);

-- invariant: 1 amounts: the allocations of a decision add up to what it pays or proposes
SELECT d.municipality_id, d.id AS decision_id, d.outcome, d.approved, d.proposed, a.cents
FROM decision d
CROSS JOIN LATERAL (SELECT coalesce(sum((x.value->>3)::bigint), 0) AS cents FROM jsonb_array_elements(d.allocations) x) a
WHERE d.outcome IN ('accepted', 'reduced') AND a.cents <> d.approved
   OR d.outcome = 'review' AND a.cents <> d.proposed AND a.cents <> 0;

-- invariant: 1 corrections: what was taken back of a position is the sum of its accepted corrections
SELECT s.municipality_id, s.position_id, s.corrected, c.cents
FROM position_state s
LEFT JOIN (
  SELECT p.municipality_id, p.corrects_id, -sum(t.approved) AS cents
  FROM position p JOIN position_state t ON t.municipality_id = p.municipality_id AND t.position_id = p.id
  WHERE p.corrects_id IS NOT NULL AND t.outcome IN ('accepted', 'reduced') GROUP BY 1, 2
) c ON c.municipality_id = s.municipality_id AND c.corrects_id = s.position_id
WHERE s.corrected <> coalesce(c.cents, 0);

-- invariant: 2 invoices: every position of an invoice has exactly one state, and what was submitted is what was decided
SELECT i.municipality_id, i.id AS invoice_id, i.total, p.positions, p.claimed, s.positions AS states, s.claimed AS states_claimed
FROM invoice i
CROSS JOIN LATERAL (
  SELECT count(*) AS positions, coalesce(sum(p.claimed), 0) AS claimed FROM position p
  WHERE p.municipality_id = i.municipality_id AND p.invoice_id = i.id
) p
CROSS JOIN LATERAL (
  SELECT count(*) AS positions, coalesce(sum(s.claimed), 0) AS claimed FROM position_state s
  WHERE s.municipality_id = i.municipality_id AND s.invoice_id = i.id
) s
WHERE p.positions <> s.positions OR p.claimed <> s.claimed OR i.kind = 'invoice' AND p.claimed <> i.total;

-- invariant: 2 decisions: the state of a position says what its current decision says
SELECT s.municipality_id, s.position_id, s.decision_id, s.outcome, d.outcome AS decided
FROM position_state s
LEFT JOIN decision d ON d.municipality_id = s.municipality_id AND d.id = s.decision_id
WHERE d.id IS NULL OR d.position_id <> s.position_id OR d.provider_id <> s.provider_id OR d.outcome <> s.outcome
   OR d.approved <> s.approved OR d.proposed IS DISTINCT FROM s.proposed OR s.claimed > 0 AND s.approved > s.claimed;

-- invariant: 3 one live batch: a position stands in orders of the batch its state names, and in no other live one
SELECT i.municipality_id, i.position_id, array_agg(DISTINCT i.batch_id) AS batches, s.batch_id AS state_batch
FROM order_item i
JOIN settlement_batch b ON b.municipality_id = i.municipality_id AND b.id = i.batch_id AND b.state <> 'withdrawn'
JOIN payment_order o ON o.municipality_id = i.municipality_id AND o.id = i.order_id
JOIN payment p ON p.municipality_id = o.municipality_id AND p.id = o.payment_id AND p.state <> 'left' AND p.repeats_id IS NULL
LEFT JOIN position_state s ON s.municipality_id = i.municipality_id AND s.position_id = i.position_id
-- Books are kept longer than vouchers: an order may name a position that retention deleted, and says so.
WHERE s.position_id IS NOT NULL OR NOT EXISTS (
  SELECT 1 FROM audit_retirement r WHERE r.municipality_id = i.municipality_id AND r.source = 'position'
    AND i.position_id >= r.from_id AND i.position_id < r.to_id
)
GROUP BY i.municipality_id, i.position_id, s.batch_id
HAVING count(DISTINCT i.batch_id) <> 1 OR s.batch_id IS NULL OR bool_or(i.batch_id <> s.batch_id);

-- invariant: 3 settled: a position whose state names a batch stands in an order of that live batch with its whole amount
SELECT s.municipality_id, s.position_id, s.batch_id, s.approved, x.cents
FROM position_state s
LEFT JOIN settlement_batch b ON b.municipality_id = s.municipality_id AND b.id = s.batch_id
LEFT JOIN LATERAL (
  SELECT sum(i.cents) AS cents FROM order_item i
  JOIN payment_order o ON o.municipality_id = i.municipality_id AND o.id = i.order_id
  JOIN payment p ON p.municipality_id = o.municipality_id AND p.id = o.payment_id AND p.state <> 'left'
  WHERE i.municipality_id = s.municipality_id AND i.position_id = s.position_id AND i.batch_id = s.batch_id
) x ON true
WHERE s.batch_id IS NOT NULL
  AND (b.id IS NULL OR b.state = 'withdrawn' OR x.cents IS DISTINCT FROM s.approved OR s.outcome NOT IN ('accepted', 'reduced'));

-- invariant: 4 orders: an order says what its items come to
SELECT o.municipality_id, o.id AS order_id, o.batch_id, o.positions, o.gross, o.receipts, i.positions AS items, i.gross AS items_gross,
       i.receipts AS items_receipts
FROM payment_order o
CROSS JOIN LATERAL (
  SELECT count(*) AS positions, coalesce(sum(i.cents) FILTER (WHERE i.cents > 0), 0) AS gross,
         coalesce(-sum(i.cents) FILTER (WHERE i.cents < 0), 0) AS receipts, count(*) FILTER (WHERE i.batch_id <> o.batch_id) AS strays
  FROM order_item i WHERE i.municipality_id = o.municipality_id AND i.order_id = o.id
) i
LEFT JOIN payment p ON p.municipality_id = o.municipality_id AND p.id = o.payment_id
WHERE p.repeats_id IS NULL AND (o.positions <> i.positions OR o.gross <> i.gross OR o.receipts <> i.receipts OR i.strays > 0);

-- invariant: 4 payments: a payment says what its orders come to, one payment per provider and batch, more than nothing
SELECT p.municipality_id, p.id AS payment_id, p.batch_id, p.gross, p.receipts, p.net, o.gross AS orders_gross, o.receipts AS orders_receipts
FROM payment p
CROSS JOIN LATERAL (
  SELECT coalesce(sum(o.gross), 0) AS gross, coalesce(sum(o.receipts), 0) AS receipts, count(*) FILTER (WHERE o.batch_id <> p.batch_id) AS strays
  FROM payment_order o WHERE o.municipality_id = p.municipality_id AND o.payment_id = p.id
) o
WHERE p.gross <> o.gross OR p.receipts <> o.receipts OR o.strays > 0 OR p.net <= 0
   OR p.repeats_id IS NULL AND EXISTS (
     SELECT 1 FROM payment q WHERE q.municipality_id = p.municipality_id AND q.batch_id = p.batch_id AND q.provider_id = p.provider_id
       AND q.id <> p.id AND q.repeats_id IS NULL
   );

-- invariant: 4 export: what a handed-over batch pays is what its payment file says, in number and sum
SELECT b.municipality_id, b.id AS batch_id, b.control_count, b.control_cents, p.payments, p.net
FROM settlement_batch b
CROSS JOIN LATERAL (
  SELECT count(*) AS payments, coalesce(sum(p.net), 0) AS net FROM payment p
  WHERE p.municipality_id = b.municipality_id AND p.batch_id = b.id AND p.state IN ('handed_over', 'paid', 'returned')
) p
WHERE b.state IN ('handed_over', 'paid', 'partly_returned') AND (b.control_count <> p.payments OR b.control_cents <> p.net)
   OR b.state NOT IN ('handed_over', 'paid', 'partly_returned') AND (p.payments > 0 OR b.control_count IS NOT NULL);

-- invariant: 4 files: a handed-over batch has its files, whole, and no other batch has any
SELECT b.municipality_id, b.id AS batch_id, f.name, f.bytes, x.bytes AS stored
FROM settlement_batch b
LEFT JOIN package_file f ON f.municipality_id = b.municipality_id AND f.batch_id = b.id
LEFT JOIN LATERAL (
  SELECT coalesce(sum(coalesce(c.bytes, length(c.content))), 0) AS bytes, count(*) AS parts, coalesce(max(c.part), -1) AS last FROM package_part c
  WHERE c.municipality_id = f.municipality_id AND c.batch_id = f.batch_id AND c.name = f.name
) x ON true
WHERE (b.state IN ('handed_over', 'paid', 'partly_returned')) <> (f.name IS NOT NULL)
   OR f.name IS NOT NULL AND (f.bytes <> x.bytes OR x.parts <> x.last + 1);

-- invariant: 4 postings: each item of a handed-over payment is posted once with its amount, and nothing else is
SELECT coalesce(i.municipality_id, t.municipality_id) AS municipality_id, coalesce(i.order_id, t.order_id) AS order_id,
       coalesce(i.position_id, t.position_id) AS position_id, i.cents, t.cents AS posted
FROM (
  SELECT i.municipality_id, i.order_id, i.position_id, i.cents, i.batch_id
  FROM order_item i
  JOIN payment_order o ON o.municipality_id = i.municipality_id AND o.id = i.order_id
  JOIN payment p ON p.municipality_id = o.municipality_id AND p.id = o.payment_id AND p.state IN ('handed_over', 'paid', 'returned')
  WHERE p.repeats_id IS NULL
) i
FULL JOIN (
  SELECT municipality_id, order_id, position_id, sum(cents) AS cents, count(*) AS postings FROM posting
  WHERE kind = 'settlement' AND position_id IS NOT NULL GROUP BY 1, 2, 3
) t ON t.municipality_id = i.municipality_id AND t.order_id = i.order_id AND t.position_id = i.position_id
WHERE i.cents IS DISTINCT FROM t.cents OR t.postings <> 1;

-- invariant: 5 payable: what was posted for a position is what its current decision pays
SELECT s.municipality_id, s.position_id, s.approved, p.cents
FROM position_state s
LEFT JOIN (
  SELECT municipality_id, position_id, sum(cents) AS cents FROM posting WHERE kind = 'decision' AND position_id IS NOT NULL GROUP BY 1, 2
) p ON p.municipality_id = s.municipality_id AND p.position_id = s.position_id
WHERE s.approved <> coalesce(p.cents, 0);

-- invariant: 5 by legal basis: payable, ordered and paid agree for each legal basis, benefit and year of a settled position
SELECT d.municipality_id, d.position_id, d.legal_basis, d.cents AS decided, t.cents AS settled
FROM (
  SELECT municipality_id, position_id, legal_basis, benefit, fiscal_year, sum(cents) AS cents FROM posting
  WHERE kind = 'decision' AND position_id IS NOT NULL GROUP BY 1, 2, 3, 4, 5 HAVING sum(cents) <> 0
) d
FULL JOIN (
  SELECT municipality_id, position_id, legal_basis, benefit, fiscal_year, sum(cents) AS cents FROM posting
  WHERE kind = 'settlement' AND position_id IS NOT NULL GROUP BY 1, 2, 3, 4, 5
) t USING (municipality_id, position_id, legal_basis, benefit, fiscal_year)
WHERE t.cents IS NOT NULL AND d.cents IS DISTINCT FROM t.cents
   OR t.cents IS NULL AND EXISTS (
     SELECT 1 FROM posting p WHERE p.municipality_id = d.municipality_id AND p.position_id = d.position_id AND p.kind = 'settlement'
   );

-- invariant: 5 accounts: every posting moves along an edge of the books, money out as a sum above zero, money back below
SELECT municipality_id, id AS posting_id, kind, debit, credit, cents
FROM posting
WHERE (kind, debit, credit) NOT IN (
  ('decision', 'expenditure', 'payable'), ('settlement', 'payable', 'ordered'), ('payment', 'ordered', 'bank'), ('payment', 'bank', 'ordered'),
  ('return', 'ordered', 'bank'), ('return', 'bank', 'ordered')
) OR kind = 'settlement' AND (batch_id IS NULL OR order_id IS NULL OR payment_id IS NULL OR used <> 0 OR reserved <> 0)
  OR kind IN ('payment', 'return') AND (
    batch_id IS NULL OR order_id IS NULL OR payment_id IS NULL OR booked_on IS NULL OR turn IS NULL OR position_id IS NOT NULL
    OR used <> 0 OR reserved <> 0 OR (kind = 'payment') <> (cents > 0)
  );

-- invariant: 5 bank: of an order that is paid the bank booked gross and receipts once more than it came back, else as often
SELECT o.municipality_id, o.id AS order_id, o.payment_id, p.state, o.gross, o.receipts, t.gross AS booked_gross, t.receipts AS booked_receipts
FROM payment_order o
JOIN payment p ON p.municipality_id = o.municipality_id AND p.id = o.payment_id
LEFT JOIN (
  SELECT municipality_id, order_id, coalesce(sum(cents) FILTER (WHERE debit = 'ordered'), 0) AS gross,
         coalesce(sum(cents) FILTER (WHERE debit = 'bank'), 0) AS receipts
  FROM posting WHERE kind IN ('payment', 'return') GROUP BY 1, 2
) t ON t.municipality_id = o.municipality_id AND t.order_id = o.id
WHERE coalesce(t.gross, 0) <> CASE p.state WHEN 'paid' THEN o.gross ELSE 0 END
   OR coalesce(t.receipts, 0) <> CASE p.state WHEN 'paid' THEN o.receipts ELSE 0 END;

-- invariant: 5 turns: every posting of the bank is an order's whole gross or receipts, and nothing comes back that was not paid before
SELECT t.municipality_id, t.id AS posting_id, t.kind, t.debit, t.cents, t.turn, o.gross, o.receipts
FROM posting t
LEFT JOIN payment_order o ON o.municipality_id = t.municipality_id AND o.id = t.order_id AND o.payment_id = t.payment_id AND o.batch_id = t.batch_id
WHERE t.kind IN ('payment', 'return') AND (
  o.id IS NULL OR (t.legal_basis, t.benefit, t.fiscal_year) IS DISTINCT FROM (o.legal_basis, o.benefit, o.fiscal_year)
  OR abs(t.cents) <> CASE t.debit WHEN 'ordered' THEN o.gross ELSE o.receipts END
  OR t.kind = 'return' AND NOT EXISTS (
    SELECT 1 FROM posting x WHERE x.municipality_id = t.municipality_id AND x.batch_id = t.batch_id AND x.order_id = t.order_id
      AND x.kind = 'payment' AND x.debit = t.debit AND x.turn = t.turn
  )
);

-- invariant: 5 ordered: what was ordered is paid at most once, over all repeats of it: the account never falls below zero
WITH RECURSIVE chain AS (
  SELECT p.municipality_id, p.id AS root, p.id, p.net, p.state FROM payment p WHERE p.repeats_id IS NULL
  UNION ALL
  SELECT c.municipality_id, c.root, r.id, r.net, r.state
  FROM chain c JOIN payment r ON r.municipality_id = c.municipality_id AND r.repeats_id = c.id
)
SELECT municipality_id, root AS payment_id, count(*) FILTER (WHERE state = 'paid') AS paid, min(net) AS least, max(net) AS most
FROM chain GROUP BY 1, 2 HAVING count(*) FILTER (WHERE state = 'paid') > 1 OR min(net) <> max(net);

-- invariant: 6 reported: a payment is paid or returned because a report said so, and every report says what became of its entries
SELECT p.municipality_id, p.id AS payment_id, p.state, NULL::uuid AS entry_id
FROM payment p
WHERE p.state IN ('paid', 'returned') AND NOT EXISTS (
  SELECT 1 FROM payment_entry e WHERE e.municipality_id = p.municipality_id AND e.payment_id = p.id AND e.effective
    AND e.kind = p.state AND (e.kind <> 'returned' OR e.booked_on = p.returned_on)
)
UNION ALL
SELECT e.municipality_id, e.payment_id, e.state, e.id
FROM payment_entry e
WHERE e.effective AND (e.payment_id IS NULL OR e.state NOT IN ('matched', 'returned')) OR e.state = 'returned' AND NOT e.effective;

-- invariant: 6 told: what an answer located exists
SELECT m.id AS municipality_id, r.client_id, r.key, r.headers->>'Location' AS location
FROM idempotency_record r
CROSS JOIN LATERAL (SELECT coalesce(r.headers->>'Location', r.headers->>'location') AS url) l
CROSS JOIN LATERAL regexp_match(l.url, '^/v1/municipalities/([^/]+)/(invoices|settlement-batches)/([0-9a-f-]{36})$') AS x(parts)
LEFT JOIN municipality m ON m.key = x.parts[1]
WHERE x.parts IS NOT NULL AND CASE x.parts[2]
  WHEN 'invoices' THEN NOT EXISTS (SELECT 1 FROM invoice i WHERE i.municipality_id = m.id AND i.id = x.parts[3]::uuid)
  ELSE NOT EXISTS (SELECT 1 FROM settlement_batch b WHERE b.municipality_id = m.id AND b.id = x.parts[3]::uuid)
END;

-- invariant: 6 explained: what exists is explained by one key, never by two
SELECT NULL::uuid AS municipality_id, l.url AS location, count(*) AS records
FROM idempotency_record r
CROSS JOIN LATERAL (SELECT coalesce(r.headers->>'Location', r.headers->>'location') AS url) l
WHERE r.status = 201 AND l.url ~ '/(invoices|settlement-batches)/[0-9a-f-]{36}$'
GROUP BY l.url HAVING count(*) > 1;

-- invariant: 7 same answer: only successes are kept, each with the hash of its request
SELECT NULL::uuid AS municipality_id, client_id, key, status
FROM idempotency_record WHERE status NOT BETWEEN 200 AND 299 OR length(request_hash) <> 32;

-- invariant: 8 audit: every entry has its hash, every step of a batch its entry
SELECT municipality_id, id AS entry_id, action FROM audit_event WHERE length(payload_hash) <> 32
UNION ALL
SELECT s.municipality_id, s.id, s.action
FROM batch_step s
WHERE NOT EXISTS (
  SELECT 1 FROM audit_event e WHERE e.municipality_id = s.municipality_id AND e.object_id = coalesce(s.payment_id, s.batch_id)::text
    AND e.actor = s.actor AND e.at = s.at
);

-- invariant: 9 four eyes: nobody orders what they drew up, certified, decided, or gave an account to
SELECT b.municipality_id, b.id AS batch_id, b.ordered_by
FROM settlement_batch b
WHERE b.ordered_by IS NOT NULL AND b.state <> 'withdrawn' AND (
  b.ordered_by IN (b.drawn_up_by, b.factual_by, b.arithmetical_by)
  OR EXISTS (
    SELECT 1 FROM order_item i
    JOIN payment_order o ON o.municipality_id = i.municipality_id AND o.id = i.order_id
    JOIN payment p ON p.municipality_id = o.municipality_id AND p.id = o.payment_id AND p.state <> 'left'
    JOIN review r ON r.municipality_id = i.municipality_id AND r.position_id = i.position_id
    WHERE i.municipality_id = b.municipality_id AND i.batch_id = b.id AND r.resolved_by = b.ordered_by AND r.resolved_at <= b.ordered_at
  )
  OR EXISTS (
    SELECT 1 FROM payment p JOIN bank_account a ON a.municipality_id = p.municipality_id AND a.id = p.bank_account_id
    WHERE p.municipality_id = b.municipality_id AND p.batch_id = b.id AND p.state <> 'left' AND b.ordered_by IN (a.proposed_by, a.confirmed_by)
  )
);

-- invariant: 9 accounts: no payment goes to an account that one person alone made, or that was too fresh
SELECT p.municipality_id, p.id AS payment_id, p.bank_account_id
FROM payment p
JOIN settlement_batch b ON b.municipality_id = p.municipality_id AND b.id = p.batch_id
LEFT JOIN bank_account a ON a.municipality_id = p.municipality_id AND a.id = p.bank_account_id
WHERE p.state IN ('handed_over', 'paid', 'returned') AND (
  a.id IS NULL OR a.provider_id <> p.provider_id OR a.state <> 'confirmed' OR a.confirmed_by = a.proposed_by
  OR a.usable_from > (b.handed_over_at AT TIME ZONE 'Europe/Berlin')::date
);

-- invariant: 10 batches: states move along the allowed edges only, step by step to the present one
SELECT s.municipality_id, s.batch_id, s.action, s.from_state, s.to_state, s.before
FROM (
  SELECT t.*, lag(t.to_state) OVER w AS before, lead(t.id) OVER w IS NULL AS is_last FROM batch_step t
  WINDOW w AS (PARTITION BY t.municipality_id, t.batch_id ORDER BY t.id)
) s
JOIN settlement_batch b ON b.municipality_id = s.municipality_id AND b.id = s.batch_id
WHERE s.from_state IS DISTINCT FROM s.before OR s.is_last AND s.to_state <> b.state
   OR (coalesce(s.from_state, ''), s.to_state) NOT IN (
     ('', 'drawn_up'), ('drawn_up', 'drawn_up'), ('drawn_up', 'certified'), ('certified', 'certified'), ('certified', 'ordered'),
     ('ordered', 'ordered'), ('certified', 'drawn_up'), ('ordered', 'drawn_up'), ('drawn_up', 'withdrawn'), ('certified', 'withdrawn'),
     ('ordered', 'withdrawn'), ('ordered', 'handed_over'), ('handed_over', 'paid'), ('handed_over', 'partly_returned'),
     ('partly_returned', 'paid'), ('paid', 'partly_returned')
   );

-- invariant: 10 batches with history: every batch has its steps
SELECT b.municipality_id, b.id AS batch_id, b.state FROM settlement_batch b
WHERE NOT EXISTS (SELECT 1 FROM batch_step s WHERE s.municipality_id = b.municipality_id AND s.batch_id = b.id);

-- invariant: 10 payments: the state of a payment fits the state of its batch
SELECT p.municipality_id, p.id AS payment_id, p.state, b.state AS batch_state
FROM payment p JOIN settlement_batch b ON b.municipality_id = p.municipality_id AND b.id = p.batch_id
WHERE (b.state IN ('drawn_up', 'certified', 'ordered', 'withdrawn')) <> (p.state = 'open') OR p.state = 'left' AND p.held IS NULL
   OR (p.state = 'paid') <> (p.paid_on IS NOT NULL) OR (p.state = 'returned') <> (p.returned_on IS NOT NULL)
   OR b.state = 'paid' AND p.state NOT IN ('paid', 'left') OR b.state = 'handed_over' AND p.state = 'returned';

-- invariant: 10 paid: a batch of which every payment is paid is paid
SELECT b.municipality_id, b.id AS batch_id, b.state
FROM settlement_batch b
WHERE b.state IN ('handed_over', 'partly_returned') AND NOT EXISTS (
  SELECT 1 FROM payment p WHERE p.municipality_id = b.municipality_id AND p.batch_id = b.id AND p.state NOT IN ('paid', 'left')
);

-- invariant: 10 repeats: a repeat carries the orders of what came back to the same provider; two never live at once, none once it was paid
SELECT r.municipality_id, r.id AS payment_id, r.repeats_id, r.state, r.lapsed, p.state AS repeated_state
FROM payment r
JOIN settlement_batch b ON b.municipality_id = r.municipality_id AND b.id = r.batch_id
LEFT JOIN payment p ON p.municipality_id = r.municipality_id AND p.id = r.repeats_id
WHERE r.repeats_id IS NOT NULL AND (
  p.id IS NULL OR p.provider_id <> r.provider_id OR (p.gross, p.receipts) <> (r.gross, r.receipts)
  OR r.lapsed <> (r.state = 'left' OR b.state = 'withdrawn')
  OR p.state NOT IN ('returned', 'paid') OR r.state IN ('handed_over', 'paid', 'returned') AND p.state <> 'returned'
  OR NOT r.lapsed AND EXISTS (
    SELECT 1 FROM payment o WHERE o.municipality_id = r.municipality_id AND o.repeats_id = r.repeats_id AND o.id <> r.id AND NOT o.lapsed
  )
  OR EXISTS (SELECT 1 FROM order_item i JOIN payment_order o ON o.municipality_id = i.municipality_id AND o.id = i.order_id
             WHERE o.municipality_id = r.municipality_id AND o.payment_id = r.id)
  OR EXISTS (
    (SELECT legal_basis, benefit, fiscal_year, positions, gross, receipts FROM payment_order o
     WHERE o.municipality_id = r.municipality_id AND o.payment_id = r.id
     EXCEPT
     SELECT legal_basis, benefit, fiscal_year, positions, gross, receipts FROM payment_order o
     WHERE o.municipality_id = r.municipality_id AND o.payment_id = r.repeats_id)
    UNION ALL
    (SELECT legal_basis, benefit, fiscal_year, positions, gross, receipts FROM payment_order o
     WHERE o.municipality_id = r.municipality_id AND o.payment_id = r.repeats_id
     EXCEPT
     SELECT legal_basis, benefit, fiscal_year, positions, gross, receipts FROM payment_order o
     WHERE o.municipality_id = r.municipality_id AND o.payment_id = r.id)
  )
);

-- invariant: 10 positions: what was cancelled stays cancelled
SELECT s.municipality_id, s.position_id, s.outcome
FROM position_state s JOIN decision d ON d.municipality_id = s.municipality_id AND d.position_id = s.position_id AND d.outcome = 'cancelled'
WHERE s.outcome <> 'cancelled';

-- invariant: 10 reviews: what is under review has an open review, nothing else has
SELECT s.municipality_id, s.position_id, s.outcome
FROM position_state s
WHERE (s.outcome = 'review') AND NOT EXISTS (
  SELECT 1 FROM review r WHERE r.municipality_id = s.municipality_id AND r.position_id = s.position_id AND r.state <> 'resolved'
);

-- invariant: 11 one lunch: a child's lunch of a day is paid once, whoever bills it
SELECT s.municipality_id, s.child_id, s.first_day, array_agg(s.position_id) AS positions
FROM position_state s
WHERE s.benefit = 'lunch' AND s.item = 'lunch' AND s.form = 'day' AND s.outcome IN ('accepted', 'reduced') AND s.approved > 0
  AND s.corrected < s.approved
GROUP BY 1, 2, 3 HAVING count(*) > 1;

-- invariant: 11 one lunch month: a flat month or monthly count is paid once, and no single lunch beside it
SELECT s.municipality_id, s.child_id, s.first_day, array_agg(t.position_id) AS positions
FROM position_state s
JOIN position_state t ON t.municipality_id = s.municipality_id AND t.child_id = s.child_id AND t.position_id <> s.position_id
  AND t.first_day <= s.last_day AND t.last_day >= s.first_day
  AND t.benefit = 'lunch' AND t.item = 'lunch' AND t.outcome IN ('accepted', 'reduced') AND t.approved > 0 AND t.corrected < t.approved
WHERE s.benefit = 'lunch' AND s.item = 'lunch' AND s.form = 'month' AND s.outcome IN ('accepted', 'reduced') AND s.approved > 0
  AND s.corrected < s.approved AND NOT s.by_person AND NOT t.by_person
GROUP BY 1, 2, 3;

-- invariant: 11 slots: a paid lunch holds its day
SELECT s.municipality_id, s.position_id, s.child_id, s.first_day
FROM position_state s
LEFT JOIN lunch_slot l ON l.municipality_id = s.municipality_id AND l.child_id = s.child_id AND l.day = s.first_day
WHERE s.benefit = 'lunch' AND s.item = 'lunch' AND s.form = 'day' AND s.outcome IN ('accepted', 'reduced') AND s.approved > 0
  AND s.corrected < s.approved AND l.position_id IS DISTINCT FROM s.position_id;

-- invariant: 11 days of grants: nothing is allocated to a grant on days outside of it
SELECT s.municipality_id, s.position_id, v.grant_id, v.version, s.first_day, s.last_day, v.valid_from, v.valid_to
FROM position_state s
JOIN decision d ON d.municipality_id = s.municipality_id AND d.id = s.decision_id
CROSS JOIN LATERAL jsonb_array_elements(d.allocations) a
LEFT JOIN grant_version v ON v.municipality_id = s.municipality_id AND v.grant_id = (a.value->>0)::uuid AND v.version = (a.value->>1)::int
WHERE s.outcome IN ('accepted', 'reduced') AND (
  v.grant_id IS NULL OR v.legal_basis <> a.value->>2
  -- BKGG grants count as whole months (E-03).
  OR s.last_day < CASE v.legal_basis WHEN 'bkgg' THEN date_trunc('month', v.valid_from)::date ELSE v.valid_from END
  OR s.first_day > CASE v.legal_basis WHEN 'bkgg' THEN (date_trunc('month', v.valid_to) + interval '1 month - 1 day')::date ELSE v.valid_to END
);

-- invariant: 3 remittances: what a provider was told of a payment is what it is paid, to the cent
SELECT p.municipality_id, p.id AS payment_id, p.net, m.net AS told, x.cents AS positions_told
FROM payment p
JOIN remittance m ON m.municipality_id = p.municipality_id AND m.id = p.id
CROSS JOIN LATERAL (
  SELECT sum(t.approved) AS cents FROM remittance_position t WHERE t.municipality_id = m.municipality_id AND t.payment_id = m.id
) x
WHERE m.net <> p.net OR m.remittance_text <> p.remittance_text OR x.cents <> p.net;
