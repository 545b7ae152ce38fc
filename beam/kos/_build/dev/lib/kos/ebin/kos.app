{application,kos,
             [{applications,[kernel,stdlib,elixir,logger]},
              {description,"kos"},
              {modules,['Elixir.Kos','Elixir.Kos.Message','Elixir.Kos.Port',
                        'Elixir.Kos.Record','Elixir.Kos.Server',
                        'Elixir.Kos.Socket']},
              {registered,[]},
              {vsn,"0.1.0"}]}.
