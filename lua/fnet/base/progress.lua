--- Progress: who hears how far a piece of work is, besides those whom the script has named: in a process of a
-- sweep, whoever shows all of them. Invariant: `hear` is nil, or a function of a text of one line.

return { hear = nil }
