SELECT project, method::text, reason::text, detail, until FROM ringostat_sync.pauses WHERE reason <> 'by_hand' ORDER BY project
