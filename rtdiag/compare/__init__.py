"""Where two answers to one question differ: `evening` leaves out what any two answers differ in, `comparing` lists the rest."""
