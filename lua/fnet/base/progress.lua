--- Progress: who hears how far a piece of work is, besides those whom the script has named: in a process of a
-- sweep, whoever shows all of them; and which piece that is. Invariant: `hear` is nil, or a function of a text of
-- one line; `name` is nil, or a text of one line, the run that goes on.

return { hear = nil, name = nil }
