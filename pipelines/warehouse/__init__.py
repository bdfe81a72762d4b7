"""How the dbt project is started: arguments, environment, control tables, pseudonyms.

Not here: the models themselves (dbt_project/).
"""
